"""Equations 1 and 3 as they rank texts: which D can change an order, and what lambda does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.generate.select import Standing, ranking, reward, rewards, worth_of
from inference.text.diversity import marginal_diversity, set_diversity
from inference.text.embedder import HashedTfidf

TEXTS = [
    "Shop the kettle today. It is ready.",
    "Shop the kettle today. It is ready, you know.",
    "Rain outside, tea inside.",
    "Shop the kettle now. It is ready.",
]
# The more a text resembles the others, the likelier it converts: the two sides pull apart.
P_CONV = [0.62, 0.6, 0.41, 0.58]

unit = st.floats(0, 1)
standing = st.builds(Standing, copy_id=st.text("ab", min_size=1, max_size=4), diversity=unit, p_conv=unit)


def _standings() -> list[Standing]:
    apart = marginal_diversity(HashedTfidf().embed(TEXTS))
    return [Standing(str(n), d, p) for n, (d, p) in enumerate(zip(apart, P_CONV, strict=True))]


def test_equation_3_is_its_formula() -> None:
    assert reward(0.8, 0.3, 0.25) == pytest.approx(0.25 * 0.8 + 0.75 * 0.3)
    assert reward(0.8, 0.3, 1.0) == 0.8
    assert reward(0.8, 0.3, 0.0) == 0.3


def test_the_diversity_of_the_set_could_never_change_an_order() -> None:
    whole = set_diversity(HashedTfidf().embed(TEXTS))
    standings = [Standing(str(n), whole, p) for n, p in enumerate(P_CONV)]
    orders = {tuple(ranking(standings, creativity / 20)) for creativity in range(20)}
    assert orders == {(0, 1, 3, 2)}


def test_what_a_text_adds_to_its_set_does_change_it() -> None:
    orders = [tuple(ranking(_standings(), creativity)) for creativity in (0.0, 0.5, 1.0)]
    assert orders[0] == (0, 1, 3, 2)
    assert orders[2][0] == 2
    assert len(set(orders)) > 1


@given(st.lists(standing, min_size=1, max_size=6), unit, unit)
def test_more_lambda_never_lowers_the_diversity_of_what_is_shown(standings: list[Standing], a: float, b: float) -> None:
    low, high = sorted((a, b))
    first = standings[ranking(standings, low)[0]]
    second = standings[ranking(standings, high)[0]]
    assert (second.diversity or 0) >= (first.diversity or 0) - 1e-9


@given(st.lists(standing, min_size=1, max_size=6), unit)
def test_a_ranking_holds_every_text_once_and_the_best_stands_first(
    standings: list[Standing], creativity: float
) -> None:
    order = ranking(standings, creativity)
    assert sorted(order) == list(range(len(standings)))
    found = rewards(standings, creativity)
    assert found[order[0]] == max(each for each in found if each is not None)


def test_a_text_alone_is_unlike_nothing() -> None:
    assert rewards([Standing("a", None, 0.4)], 0.5) == [0.2]


def test_without_a_model_of_conversion_diversity_decides_and_there_is_no_reward() -> None:
    standings = [Standing("a", 0.1, None), Standing("b", 0.5, None)]
    assert rewards(standings, 0.5) == [None, None]
    assert ranking(standings, 0.0) == [1, 0]


def test_a_tie_is_settled_by_name() -> None:
    assert ranking([Standing("b", 0.5, 0.5), Standing("a", 0.5, 0.5)], 0.5) == [1, 0]


def test_worth_is_one_where_nothing_is_known_or_all_is_usual() -> None:
    assert worth_of(None, None, 0.0) == 1.0
    assert worth_of(0.5, 40, 40.0) == 1.0
    assert worth_of(None, 40, 0.0) == 1.0


def test_worth_rises_with_margin_and_with_stock_within_its_bounds() -> None:
    assert worth_of(1.0, 10**9, 10.0) == pytest.approx(2.0, abs=1e-6)
    assert worth_of(0.0, 0, 10.0) == pytest.approx(0.5)
    assert worth_of(0.2, None, 10.0) < 1 < worth_of(0.8, None, 10.0)
    assert worth_of(None, 5, 10.0) < 1 < worth_of(None, 20, 10.0)


def test_worth_moves_an_order_between_conversion_and_diversity() -> None:
    standings = [Standing("sells", 0.2, 0.6), Standing("differs", 0.5, 0.4)]
    assert ranking(standings, 0.45, worth=2.0)[0] == 0
    assert ranking(standings, 0.45, worth=0.5)[0] == 1
