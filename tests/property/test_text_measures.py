"""What holds of the measures on texts whatever the texts are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.text.diversity import distinct_n, marginal_diversity, set_diversity
from inference.text.embedder import HashedTfidf, cosine
from inference.text.readability import flesch, syllables
from training.evaluation.intervals import mean, ratio, share

WORDS = st.sampled_from(["{NAME}", "tea", "for", "the", "hour", "kettle", "slow", "wait", "here", "{PRICE}"])
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)


@given(TEXTS, TEXTS)
def test_likeness_is_symmetric_within_bounds_and_one_for_the_same(left, right):
    a, b = HashedTfidf().embed([left, right])
    assert 0 <= cosine(a, b) <= 1
    assert cosine(a, b) == pytest.approx(cosine(b, a))
    assert cosine(a, a) == pytest.approx(1)


@given(st.lists(TEXTS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_diversity_lies_in_its_bounds_and_knows_no_order(texts, rng):
    vectors = HashedTfidf().embed(texts)
    shuffled = rng.sample(vectors, len(vectors))
    found = set_diversity(vectors)
    assert 0 <= found <= 1 - 1 / len(texts) + 1e-12
    assert found == pytest.approx(set_diversity(shuffled), abs=1e-9)
    if len(texts) > 1:
        scale = (len(texts) - 1) / len(texts) ** 2
        assert found == pytest.approx(scale * sum(marginal_diversity(vectors)), abs=1e-9)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(1, 3))
def test_saying_everything_twice_halves_distinct_n(texts, n):
    once = distinct_n(texts, n)
    if once is not None:
        assert 0 < once <= 1
        assert distinct_n(texts * 2, n) == pytest.approx(once / 2)


@given(st.text(max_size=60))
def test_any_text_has_an_ease_or_none(text):
    found = flesch(text)
    assert found is None or found < 206.835


@given(st.text(min_size=1, max_size=20))
def test_every_word_is_spoken(word):
    assert syllables(word) >= 1


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_share_lies_in_its_interval(hits):
    figure = share(hits)
    assert 0 <= figure.low <= figure.value <= figure.high <= 1


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30), st.integers(0, 5))
def test_a_mean_and_its_interval_lie_among_the_values(values, seed):
    figure = mean(values, seed)
    slack = 1e-9
    assert min(values) - slack <= figure.low <= figure.high <= max(values) + slack
    assert figure == mean(values, seed)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_a_ratio_is_that_of_the_sums(pairs):
    parts, wholes = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    figure = ratio(parts, wholes, 1)
    total = sum(wholes)
    assert figure.value == (pytest.approx(sum(parts) / total) if total else None)
    assert figure.n == sum(1 for whole in wholes if whole)
