import pytest

from inference.generate.reference import Approved, References, leak, rate, states
from inference.text.embedder import HashedTfidf, cosine
from schemas.ports import TextRequest

KETTLE = {"NAME": "Harbor Kettle", "BRAND": "Peak", "COLOR": "Blue", "PRICE": "$39.00"}


def approved(name, text, **changes):
    given = {
        "product_id": name,
        "category": "Kettles",
        "facts": {"NAME": name},
        "slot_text": text,
        "segment": "any",
        "tone": "warm",
        "channel": "push",
    }
    return Approved(**{**given, **changes})


def request(**changes):
    given = {
        "product_id": "target",
        "category": "Kettles",
        "segment": "loyal",
        "variant": "v",
        "tone": "warm",
        "cta": "none",
        "length": "short",
        "channel": "push",
        "locale": "en",
        "facts": KETTLE,
        "seed": 0,
        "max_chars": 120,
    }
    return TextRequest(**{**given, **changes})


def choose(texts, **changes):
    return References(texts, HashedTfidf(), cosine).choose(request(**changes))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Meet {NAME}, harbor  kettle.", "NAME: Harbor Kettle"),
        ("{NAME} by Peak.", "BRAND: Peak"),
        ("{NAME} in blue.", "COLOR: Blue"),
        ("{NAME}, now $39.00.", "number: 39.00."),
        ("{NAME} for 2 cups.", "number: 2"),
    ],
)
def test_a_fact_outside_a_slot_is_found_and_named(text, reason):
    assert leak(text, KETTLE) == reason


@pytest.mark.parametrize("text", ["Meet {NAME} in {COLOR} for {PRICE}.", "{NAME}: bluebirds and peaks."])
def test_slots_and_other_words_are_no_leak(text):
    assert leak(text, KETTLE) is None


def test_a_short_value_is_compared_with_its_case():
    assert states("Size M fits.", "M")
    assert not states("I'm here.", "M")


def test_a_reference_that_names_its_own_product_or_the_target_is_refused():
    choice = choose(
        [
            approved("Stove Kettle", "Stove Kettle is here, {NAME}."),
            approved("Tea Kettle", "Not a Harbor Kettle, {NAME}."),
            approved("Camp Kettle", "Water is on, {NAME}."),
        ]
    )
    assert choice.text == "Water is on, {NAME}."
    assert sorted(reason for _, reason in choice.refused) == ["NAME: Harbor Kettle", "NAME: Stove Kettle"]


def test_without_a_fit_one_there_is_none():
    assert choose([approved("Tea Kettle", "A Harbor Kettle.")]).text is None
    assert choose([]).text is None


def test_the_product_itself_another_channel_and_slots_that_it_lacks_are_passed_over():
    texts = [
        approved("target", "Own words, {NAME}."),
        approved("Tea Kettle", "{NAME} tonight", channel="push_title"),
        approved("Camp Kettle", "{NAME} with {FEATURE}."),
    ]
    assert choose(texts) == choose([])


def test_segment_then_tone_then_clicks_decide_among_similar_products():
    poor = approved("Tea Kettle", "Poor {NAME}.", impressions=1000, clicks=1)
    good = approved("Camp Kettle", "Good {NAME}.", impressions=1000, clicks=90)
    toned = approved("Red Kettle", "Bold {NAME}.", impressions=1000, clicks=900, tone="bold")
    own = approved("Iron Kettle", "Yours again, {NAME}.", segment="loyal", tone="bold")
    assert choose([poor, good]).text == "Good {NAME}."
    assert choose([poor, good, toned]).text == "Good {NAME}."
    assert choose([poor, good, own]).text == "Yours again, {NAME}."


def test_only_the_nearest_products_are_asked():
    far = approved("Garden Hose", "Far {NAME}.", category="Hoses", impressions=100, clicks=90)
    near = approved("Tea Kettle", "Near {NAME}.")
    found = References([far, near], HashedTfidf(), cosine).choose(request(), neighbours=1)
    assert found.text == "Near {NAME}."


def test_one_click_of_one_is_no_better_than_many_of_many():
    few, many = approved("a", "x", impressions=1, clicks=1), approved("b", "y", impressions=10_000, clicks=900)
    assert rate(few) < rate(many)
