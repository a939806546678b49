"""Equation 1, its marginal form and distinct-n, against values worked out by hand."""

import pytest

from inference.text.diversity import distinct_n, marginal_diversity, set_diversity
from inference.text.embedder import Vector

EAST, NORTH = Vector((0,), (1.0,)), Vector((1,), (1.0,))
BETWEEN = Vector((0, 1), (0.6, 0.8))


def test_equation_1_by_hand():
    """cos: EAST-NORTH 0, EAST-BETWEEN 0.6, NORTH-BETWEEN 0.8; 1 - (3 + 2 * 1.4) / 9."""
    assert set_diversity([EAST, NORTH, BETWEEN]) == pytest.approx(1 - 5.8 / 9)


def test_texts_that_have_nothing_in_common_reach_the_bound():
    assert set_diversity([EAST, NORTH]) == pytest.approx(1 / 2)


def test_one_text_and_equal_texts_have_none_and_no_texts_are_unknown():
    assert set_diversity([EAST]) == 0.0
    assert set_diversity([BETWEEN] * 3) == pytest.approx(0.0)
    assert set_diversity([]) is None


def test_what_each_text_adds_by_hand():
    assert marginal_diversity([EAST, NORTH, BETWEEN]) == pytest.approx([1 - 0.6 / 2, 1 - 0.8 / 2, 1 - 1.4 / 2])
    assert marginal_diversity([EAST]) == [None]


def test_equation_1_is_the_mean_distance_of_two_texts_scaled():
    """(|S| - 1) / |S| times the mean of the marginals."""
    marginals = marginal_diversity([EAST, NORTH, BETWEEN])
    assert set_diversity([EAST, NORTH, BETWEEN]) == pytest.approx(2 / 3 * sum(marginals) / 3)


def test_distinct_n_by_hand():
    texts = ["a b a", "a b"]
    assert distinct_n(texts, 1) == pytest.approx(2 / 5)
    assert distinct_n(texts, 2) == pytest.approx(2 / 3)
    assert distinct_n(texts, 4) is None
