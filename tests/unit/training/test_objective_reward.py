"""The reward: gates are no weights, terms are means, pairs have a winner that passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.text.sentiment import polarity, sentiment
from schemas.errors import Code
from training.objective.config import Weights
from training.objective.reward import Terms, gates, pair, reward, sentiment_fit

UNIT = st.floats(0, 1)
TERMS = st.builds(Terms, sentiment=UNIT, diversity=UNIT, cta=UNIT, conversion=st.none() | UNIT)
SOME = st.floats(0.01, 100)
WEIGHTS = st.builds(Weights, sentiment=SOME, diversity=SOME, cta=SOME, conversion=SOME)
COPY_CODES = [code.value for code in Code if code.value.startswith("copy_")]
FINE = Terms(sentiment=1.0, diversity=1.0, cta=1.0, conversion=1.0)


@given(terms=TERMS, weights=WEIGHTS, code=st.sampled_from([c for c in COPY_CODES if c != "copy_cta_missing"]))
def test_no_terms_and_no_weights_buy_a_text_through_a_gate(terms, weights, code):
    assert reward(terms, weights, [code]) is None
    assert reward(terms, weights, ["copy_cta_missing", code]) is None


@given(weights=WEIGHTS, poor=TERMS)
def test_a_text_that_fails_a_gate_loses_to_the_poorest_that_passes(weights, poor):
    rewards = [reward(FINE, weights, [Code.COPY_UNBACKED.value]), reward(poor, weights, [])]
    assert pair(["false", "poor"], rewards, 0.05) == (1, 0)


@pytest.mark.parametrize("code", ["copy_claim", "copy_unbacked", "copy_toxic", "copy_brand", "copy_too_long"])
def test_faithfulness_policy_and_length_are_gates(code):
    assert gates([code]) == (code,)


def test_a_missing_call_is_a_term_and_no_gate():
    assert gates(["copy_cta_missing"]) == ()
    assert reward(FINE, Weights(), ["copy_cta_missing"]) == 1.0


@given(terms=TERMS, weights=WEIGHTS)
def test_a_reward_is_a_mean_of_its_terms(terms, weights):
    known = [value for value in (terms.sentiment, terms.diversity, terms.cta, terms.conversion) if value is not None]
    value = reward(terms, weights, [])
    assert min(known) - 1e-9 <= value <= max(known) + 1e-9


@pytest.mark.parametrize("name", ["sentiment", "diversity", "cta", "conversion"])
def test_each_term_is_switched_by_its_weight_alone(name):
    only = Weights(**{**dict.fromkeys(("sentiment", "diversity", "cta", "conversion"), 0.0), name: 2.0})
    zero = Terms(**{**dict.fromkeys(("sentiment", "diversity", "cta", "conversion"), 1.0), name: 0.0})
    assert reward(FINE, only, []) == 1.0
    assert reward(zero, only, []) == 0.0
    others = Weights(**{**dict.fromkeys(("sentiment", "diversity", "cta", "conversion"), 1.0), name: 0.0})
    assert reward(zero, others, []) == 1.0


def test_without_a_weight_there_is_no_reward():
    with pytest.raises(ValueError, match="no term"):
        reward(Terms(sentiment=1, diversity=1, cta=1, conversion=None), Weights(sentiment=0, diversity=0, cta=0), [])


@given(score=st.floats(-1, 1), asked=st.sampled_from(["positive", "neutral", "negative"]))
def test_the_fit_falls_with_the_distance_from_the_mood_that_was_asked_for(score, asked):
    fit = sentiment_fit(score, asked)
    assert 0 <= fit <= 1
    toward = {"positive": min(1.0, score + 0.1), "negative": max(-1.0, score - 0.1), "neutral": score * 0.9}[asked]
    assert sentiment_fit(toward, asked) >= fit


@pytest.mark.parametrize("text", ["A lovely, wonderful lamp.", "A terrible, awful lamp.", "A lamp stands on a table."])
def test_a_text_fits_its_own_label_in_full_and_no_other(text):
    labels = ("positive", "neutral", "negative")
    fits = {asked: sentiment_fit(polarity(text), asked) for asked in labels}
    assert [asked for asked in labels if fits[asked] == 1.0] == [sentiment(text)]
    assert sentiment_fit(polarity(text), "any") == 1.0


def test_pairs():
    assert pair(["a", "b", "c"], [0.2, 0.9, 0.5], 0.05) == (1, 0)
    # The first that failed, since none of those is better than another.
    assert pair(["a", "b", "c"], [None, 0.1, None], 0.05) == (1, 0)
    assert pair(["a", "b"], [None, None], 0.0) is None
    assert pair(["a", "b"], [0.5, 0.52], 0.05) is None
    assert pair(["a", "a"], [0.5, 0.5], 0.0) is None
    assert pair(["a"], [0.5], 0.0) is None
