import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.text.attributes import NUMBERS, attributes, numbers


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Get yours, then shop the sale", "cta_density", 2 / 6),
        ("A lamp that is quiet", "cta_density", 0),
        ("{NAME} for {PRICE}, {OFF} less", "discount", 1),
        ("Now 20 % off", "discount", 1),
        ("Take 20 percent off", "discount", 1),
        ("Lights off at 20", "discount", 0),
        ("{NAME} for {PRICE}", "price", 1),
        ("Only $5.99", "price", 1),
        ("Only 5 EUR", "price", 1),
        ("Only 5 left", "price", 0),
        ("Only 5 left", "digits", 1),
        ("{FEATURE2} inside", "digits", 0),
        ("7 ways to sit", "digit_first", 1),
        ("Why not?", "question", 1),
        ("Why not?", "asks_first", 1),
        ("She said 'never again' to me", "quotation", 1),
        ("Don't say the dogs' names", "quotation", 0),
        ("It is *really* good", "stress", 1),
        ("Wait for it...", "ellipsis", 1),
        ("You'll see", "you", 1),
        ("Youth is short", "you", 0),
        ("We made it", "speaker", 1),
        ("{NAME} {IS} here", "words", 3),
        ("{NAME} {IS} here", "facts", 1),
        ("Hi there", "characters", 8),
        ("One two. Three four five six.", "sentence_words", 3),
        ("The Best Of all", "capitals", 2 / 3),
        ("A wonderful, happy day", "sentiment_strength", 0.8126),
    ],
)
def test_each_attribute_is_what_its_name_says(text, name, value):
    assert numbers(attributes(text))[name] == pytest.approx(value, abs=1e-3)


def test_the_kind_of_call_is_the_one_with_most_phrases():
    assert attributes("Shop now, get yours, see more").cta == "shop"
    assert attributes("Discover it and explore").cta == "discover"
    assert attributes("A lamp.").cta is None
    assert attributes("A lamp.", "bargain_hunter").segment == "bargain_hunter"


def test_a_kind_word_and_an_unkind_one_differ_in_sign_and_not_in_strength():
    kind, unkind = attributes("This is good"), attributes("This is horrible")
    assert kind.sentiment > 0 > unkind.sentiment
    assert kind.sentiment_strength == kind.sentiment
    assert unkind.sentiment_strength == -unkind.sentiment


@given(st.text(max_size=120))
def test_any_text_has_finite_numbers_and_switches_are_0_or_1(text):
    found = numbers(attributes(text))
    assert tuple(found) == NUMBERS
    assert all(abs(value) < 1e6 for value in found.values())
    assert {found[name] for name in ("discount", "price", "digits", "question", "quotation", "you")} <= {0.0, 1.0}
