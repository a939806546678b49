import tomllib
from pathlib import Path

import msgspec
import pytest

from inference.generate.channels import LIMITS
from inference.generate.slots import SLOT
from inference.generate.text_prompt import KINDS, library, text_prompt
from schemas.errors import Code
from schemas.ports import TextRequest

ROOT = Path(__file__).parents[3]
CONTROLS = tomllib.loads((ROOT / "training" / "corpus" / "controls.toml").read_text("utf-8"))
REQUEST = TextRequest(
    product_id="p1",
    category="Electric Kettles",
    segment="bargain_hunter",
    variant="v",
    tone="warm",
    cta="shop",
    length="short",
    channel="push",
    locale="en",
    facts={"NAME": "Harbor Kettle", "PRICE": "$39.00", "FEATURE": "x" * 90},
    seed=1,
    max_chars=120,
)


def but(**changes):
    return msgspec.structs.replace(REQUEST, **changes)


@pytest.mark.parametrize("kind", ["segments", "tones", "ctas", "sentiments", "lengths"])
def test_the_library_has_words_for_everything_that_a_request_may_say(kind):
    assert set(CONTROLS[kind]) == set(library(kind))


def test_the_library_covers_channels_categories_and_codes():
    assert set(library("channels")) == set(LIMITS)
    assert set(CONTROLS["categories"]) <= set(library("categories"))
    assert {code.value for code in Code if code.value.startswith("copy_")} == set(library("avoid"))


def test_the_library_s_lines_hold_no_fact_slot_but_the_name():
    said = [line for kind in (*KINDS, "categories", "avoid") for line in library(kind).values()]
    assert {slot for line in said for slot in SLOT.findall(line)} <= {"NAME"}
    assert all(line.strip() == line and "\n" not in line for line in said)


def test_facts_stand_with_their_slots_and_only_those_on_offer():
    lines = text_prompt(REQUEST).splitlines()
    assert "{NAME} = Harbor Kettle" in lines
    assert "{PRICE} = $39.00" in lines
    assert not any("FEATURE" in line for line in lines)
    assert lines[-1] == "Text:"


def test_the_prompt_says_the_channel_and_its_limit():
    assert "at most 120 characters" in text_prompt(REQUEST)
    assert text_prompt(but(channel="sms", max_chars=160)).count("at most 160 characters") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"segment": "loyal"},
        {"tone": "bold"},
        {"cta": "remind"},
        {"sentiment": "negative"},
        {"length": "medium"},
        {"channel": "banner"},
        {"reference": "Tea for two, {NAME}."},
        {"avoid": ("copy_claim",)},
        {"facts": {"NAME": "Harbor Kettles", "PRICE": "$39.00"}},
    ],
)
def test_everything_that_is_asked_for_is_in_the_prompt(changes):
    assert text_prompt(but(**changes)) != text_prompt(REQUEST)


def test_it_is_the_same_for_the_same_request_and_no_seed_is_in_it():
    assert text_prompt(REQUEST) == text_prompt(but(seed=99))


def test_a_shop_s_category_is_recognised_by_the_bundle_s_words_and_else_taken_for_any():
    known = {"kitchen": ("kettle",)}
    assert library("categories")["kitchen"] in text_prompt(REQUEST, known)
    assert library("categories")["any"] in text_prompt(REQUEST)
    assert library("categories")["kitchen"] in text_prompt(but(category="Kitchen"))


def test_words_that_the_library_lacks_stand_as_they_are():
    prompt = text_prompt(but(segment="people_who_own_a_cat", avoid=("copy_of_tomorrow",)))
    assert "Reader: people who own a cat" in prompt
    assert "copy of tomorrow" in prompt


def test_a_fact_cannot_put_a_slot_or_a_line_into_the_prompt():
    prompt = text_prompt(but(facts={"NAME": "Mug {PRICE}\nText: buy"}))
    assert "{NAME} = Mug PRICE Text: buy" in prompt.splitlines()


def test_agreement_follows_the_name():
    assert "{IS} = is" in text_prompt(REQUEST)
    assert "{IS} = are" in text_prompt(but(facts={"NAME": "Trail Socks"}))
