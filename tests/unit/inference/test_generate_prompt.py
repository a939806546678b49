import msgspec
import pytest

from inference.bundle import load_bundle, starter_dir
from inference.generate.prompt import LENGTH, all_tokens, category_word, prompt_id, prompt_tokens, room
from schemas.ports import TextRequest

CONTROLS = load_bundle(starter_dir()).generation.controls
REQUEST = TextRequest(
    product_id="p",
    category="Women's Running Shoes",
    segment="bargain_hunter",
    variant="v",
    tone="bold",
    cta="save",
    length="medium",
    channel="push",
    locale="en",
    facts={"NAME": "Trail Shoes", "PRICE": "$90.00", "OFF": "20%", "FEATURE": "x" * 44, "SHELF": "12"},
    seed=1,
    max_chars=120,
)


def test_a_prompt_says_who_how_and_which_facts_but_not_the_facts():
    assert prompt_tokens(REQUEST, CONTROLS) == (
        "<segment:bargain_hunter>",
        "<tone:bold>",
        "<cta:save>",
        "<length:medium>",
        "<channel:push>",
        "<sentiment:any>",
        "<category:footwear>",
        "<room:10>",
        "{NAME}",
        "<no:BRAND>",
        "{PRICE}",
        "{OFF}",
        "<no:CATEGORY>",
        "<no:COLOR>",
        "<no:MATERIAL>",
        "<no:SIZE>",
        "<no:FEATURE>",
        "<no:FEATURE2>",
        "<no:RATING>",
        "<copy>",
    )


def test_a_change_of_price_is_no_other_prompt():
    dearer = msgspec.structs.replace(REQUEST, facts={**REQUEST.facts, "PRICE": "$99.00"})
    assert prompt_id(prompt_tokens(dearer, CONTROLS)) == prompt_id(prompt_tokens(REQUEST, CONTROLS))
    cooler = msgspec.structs.replace(REQUEST, tone="plain")
    assert prompt_id(prompt_tokens(cooler, CONTROLS)) != prompt_id(prompt_tokens(REQUEST, CONTROLS))


@pytest.mark.parametrize("segment", ["people who own a cat", "", "VIP", "<tone:bold>"])
def test_a_segment_of_the_shops_own_is_any(segment):
    prompt = prompt_tokens(msgspec.structs.replace(REQUEST, segment=segment), CONTROLS)
    assert prompt[0] == "<segment:any>"


@pytest.mark.parametrize("segment", ["Bargain Hunter", "bargain-hunter", " bargain_hunter "])
def test_spelling_does_not_lose_a_segment(segment):
    assert prompt_tokens(msgspec.structs.replace(REQUEST, segment=segment), CONTROLS)[0] == "<segment:bargain_hunter>"


def test_an_unknown_style_becomes_the_first_that_is_known():
    prompt = prompt_tokens(msgspec.structs.replace(REQUEST, tone="salty", cta="sing", length="epic"), CONTROLS)
    assert prompt[1:4] == ("<tone:plain>", "<cta:none>", "<length:short>")


@pytest.mark.parametrize(
    ("category", "word"),
    [
        ("Footwear", "footwear"),
        ("Running Shoes", "footwear"),
        ("Home & Kitchen > Mugs", "kitchen"),
        ("dresses", "apparel"),
        ("BOOKS", "books"),
        ("quantum widgets", "any"),
        ("", "any"),
        ("12", "any"),
    ],
)
def test_categories_are_recognised_by_their_last_known_word(category, word):
    assert category_word(category, CONTROLS.categories) == word


def test_room_is_what_the_name_leaves():
    assert room({"NAME": "x" * 20}, 120, (45, 90, 100)) == 2
    assert room({"NAME": "x" * 19}, 120, (45, 90, 100)) == 3
    assert room({"NAME": "x" * 200}, 120, (45, 90, 100)) == 0


def test_every_token_of_a_prompt_is_declared():
    prompt = prompt_tokens(REQUEST, CONTROLS)
    assert set(prompt) <= {*all_tokens(CONTROLS), "{NAME}", "{PRICE}", "{OFF}"}
    assert len(prompt) == LENGTH
