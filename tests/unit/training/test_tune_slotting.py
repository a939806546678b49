import pytest

from inference.generate.grammar import with_grammar
from inference.generate.render import compile_text, render
from training.tune.slotting import slotted

SOCKS = {
    "NAME": "Trail Socks",
    "BRAND": "Peak",
    "PRICE": "$39.00",
    "OFF": "20%",
    "COLOR": "Blue",
    "MATERIAL": "Merino wool",
    "SIZE": "M",
    "RATING": "4.6",
    "FEATURE": "Blue trim",
}
KETTLE = {"NAME": "Harbor Kettle", "PRICE": "$39.00", "SIZE": "42", "RATING": "4"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Trail Socks for $39.00.", "{NAME} for {PRICE}."),
        ("Trail Socks for $39.", "{NAME} for {PRICE}."),
        ("Save 20% on Trail Socks from Peak.", "Save {OFF} on {NAME} from {BRAND}."),
        ("Trail Socks in blue merino wool.", "{NAME} in {COLOR} {MATERIAL}."),
        ("Merino wool. Blue.", "{MATERIAL}. {COLOR}."),
        # The longest first.
        ("Trail Socks: Blue trim.", "{NAME}: {FEATURE}."),
        ("Rated 4.6 stars.", "Rated {RATING} stars."),
        ("Trail Socks, size M.", "{NAME}, size {SIZE}."),
        # Agreement, where the name's number is that of the verb.
        ("Trail Socks are here and Trail Socks have come.", "{NAME} {IS} here and {NAME} {HAS} come."),
    ],
)
def test_facts_become_slots(text, wanted):
    assert slotted(text, SOCKS).text == wanted


@pytest.mark.parametrize(
    "text",
    [
        "trail socks",
        "Blueberries, Blue-ish",
        "$139.00 or $39.005 or $39.00.5",
        "4.6 miles",
        "I'm M.",
        "Peaks and Speak",
        "120%",
    ],
)
def test_what_is_no_fact_of_the_product_stays(text):
    assert slotted(text, SOCKS).text == text


def test_a_bare_number_needs_a_word_beside_it_that_says_what_it_is():
    assert slotted("4 cups, 42 recipes", KETTLE).text == "4 cups, 42 recipes"
    assert slotted("Size 42, 4 stars, 4/5", KETTLE).text == "Size {SIZE}, {RATING} stars, {RATING}/5"


def test_the_verb_of_another_number_stays():
    assert slotted("Harbor Kettle is here", KETTLE).text == "{NAME} {IS} here"
    assert slotted("Harbor Kettle are here", KETTLE).text == "{NAME} are here"
    assert slotted("Harbor Kettle isn't here", KETTLE).text == "{NAME} isn't here"


def test_what_became_a_slot_is_counted():
    assert slotted("Trail Socks are $39. Trail Socks!", SOCKS).counts == {"NAME": 2, "PRICE": 1, "IS": 1}


@pytest.mark.parametrize(
    "text", ["Blue, in blue: Trail Socks are yours for $39.00.", "Merino wool is what Peak took. Size M."]
)
def test_rendering_gives_the_text_back(text):
    assert render(compile_text(slotted(text, SOCKS).text), with_grammar(SOCKS)) == text
