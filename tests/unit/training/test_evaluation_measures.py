"""Faithfulness, copying, telltales and variety, each against values worked out by hand."""

import pytest

from inference.text.embedder import HashedTfidf
from schemas.catalog import Product
from training.evaluation.faithfulness import record_text, unbacked
from training.evaluation.telltales import foreign, telltales
from training.evaluation.variety import self_bleu, variety
from training.evaluation.verbatim import copied, normalised, said, training_of

KETTLE = Product(
    product_id="k",
    name="Alder Kettle",
    category="Kitchen",
    price_minor=3900,
    currency="USD",
    features=["Pouring lip", "1.7 L"],
    material="stainless steel",
    discount_percent=12.5,
    rating=4.6,
)
RECORD = record_text(KETTLE)


def test_the_record_states_its_facts_as_they_are_shown():
    assert {"Alder Kettle", "$39.00", "1.7 L", "stainless steel", "12.5%", "4.6"} <= set(RECORD.split("\n"))
    assert "k" not in RECORD.split("\n")


def test_what_the_record_says_may_be_said():
    assert unbacked("Alder Kettle, 12.5% off: $39.00. 1.7 L. Stainless Steel, 4.6.", RECORD) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Alder Kettle for $38.00.", ("38.00",)),
        ("Alder Kettle for €39.00.", ("€",)),
        ("Alder Kettle holds 7 cups.", ("7",)),
        ("Alder Kettle in blue.", ("blue",)),
        ("Alder Kettle, all copper.", ("copper",)),
        ("Alder Kettle: durable.", ("durable",)),
        ("Alder Kettle, with free shipping.", ("free", "shipping")),
        ("Alder Kettle for two.", ("two",)),
    ],
)
def test_what_it_does_not_say_may_not(text, found):
    assert unbacked(text, RECORD) == found


def test_a_word_is_backed_whole_and_not_as_a_part():
    assert unbacked("A red hour.", "Covered Kettle") == ("red",)
    assert unbacked("A red hour.", "Kettle, Red") == ()


def test_a_record_s_own_description_backs_words():
    assert unbacked("Organic and soft.", "Towel\nMade of organic cotton, soft on both sides") == ()


TRAINING = training_of(["Pour slow. {NAME} wait{S} for {PRICE}.", "{NAME}, and the hour is yours."])


def test_sentences_are_compared_without_case_and_stops():
    assert copied("pour slow! {NAME} is yours.", TRAINING) == (1, 2)
    assert copied("{NAME} wait{S} for {PRICE}", TRAINING) == (1, 1)


def test_a_label_of_slots_alone_says_nothing():
    assert said("{FEATURE}. Pour slow. {PRICE}!") == [("pour", "slow")]
    assert copied("{FEATURE}. {PRICE}.", TRAINING) == (0, 0)


def test_whole_texts():
    assert normalised("{NAME} and the hour is yours") in TRAINING.whole
    assert normalised("{NAME} and the hour") not in TRAINING.whole


LINES = [
    *[("kitchen", f"Whisk the {word}.") for word in ("hour", "day", "night")],
    *[("garden", f"Rake the {word}.") for word in ("hour", "day")],
    *[("any", "Pour an hour.")] * 3,
    *[("kitchen", "Pour the day.")] * 3,
]


def test_telltales_stand_in_one_category_three_times_and_never_in_any():
    assert telltales(LINES) == {"whisk": "kitchen"}


def test_foreign_words_are_those_of_another_category():
    own = telltales(LINES)
    assert foreign("Whisk the {NAME}.", "garden", own, "Rake") == ("whisk",)
    assert foreign("Whisk the {NAME}.", "kitchen", own, "Bowl") == ()
    assert foreign("Whisk the {NAME}.", "garden", own, "Whisk broom") == ()


def test_self_bleu_of_equal_and_of_unlike_texts():
    same = "{NAME} is here for the slow hour."
    assert self_bleu([same, same]) == pytest.approx(1.0)
    assert self_bleu([same]) is None
    assert self_bleu(["a b c d e", "v w x y z"]) < 0.05


def test_self_bleu_by_hand():
    """`a b` against `a c`: one of two words; no pair, which exponential smoothing counts as 1/2 of one.

    BLEU over the two orders that two words have: sqrt(1/2 * 1/2) both ways.
    """
    assert self_bleu(["a b", "a c"]) == pytest.approx(0.5)


def test_self_bleu_takes_each_text_against_all_the_others():
    """Two of three are equal (1 each); the third shares nothing with either."""
    assert self_bleu(["a b c d", "a b c d", "w x y z"]) == pytest.approx(2 / 3, abs=0.03)


def test_variety_is_the_mean_over_sets():
    figures = variety([["red kettle", "red pan"], ["tea", "tea"]], HashedTfidf(), 1)
    assert figures["diversity"].value == pytest.approx(((1 - (2 + 2 / 3) / 4) + 0) / 2)
    assert figures["distinct_1"].value == pytest.approx((3 / 4 + 1 / 2) / 2)
    # `tea` has no pair of words, so that set has no distinct-2.
    assert figures["distinct_2"].value == pytest.approx(1.0)
    assert figures["distinct_2"].n == 1
    assert figures["diversity"].n == 2


def test_sets_of_different_sizes_do_not_compare():
    with pytest.raises(ValueError, match="different sizes"):
        variety([["a"], ["a", "b"]], HashedTfidf(), 1)
