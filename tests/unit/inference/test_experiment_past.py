"""A/As of a log's own shoppers: what is summed, what is planted, and how often a difference is found.

The log is made up here: 1,500 shoppers of unequal rates who come back. Of 400 splits, one look rejects 5 % within a
99.9 % binomial interval; a right interval leaves it once in a thousand seeds, and this one is fixed.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.experiment import past
from inference.experiment.exact import lower, upper
from inference.experiment.past import PastRows, described, planted, rejected
from inference.experiment.ratio import design_effect, ratio
from inference.experiment.sums import ShopperSums, of_shopper

SPLITS, PEEKS, ALPHA = 400, 10, 0.05


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def a_log(shoppers: int = 1_500) -> PastRows:
    """Rows in the order of time; first rows number their shoppers."""
    draw = chance(1)
    rate, keen = draw.beta(0.3, 2.7, shoppers), 1 + draw.poisson(draw.gamma(0.5, 12, shoppers))
    order = draw.permutation(np.repeat(np.arange(shoppers), keen))
    _, first = np.unique(order, return_index=True)
    number = np.empty(shoppers, np.int64)
    number[order[np.sort(first)]] = np.arange(shoppers)
    x = draw.integers(1, 4, len(order))
    return PastRows(number[order], x.astype(float), draw.binomial(x, rate[order]).astype(float))


LOG = a_log()
whole_numbers = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30)


@given(whole_numbers, st.integers(1, 7))
def test_after_each_part_the_sums_are_those_of_the_rows_so_far(found: list[tuple[int, int, int]], peeks: int) -> None:
    places = {who: place for place, who in enumerate(dict.fromkeys(who for who, _, _ in found))}
    numbered = [(places[who], x, y) for who, x, y in found]
    shopper, x, y = (np.array(each) for each in zip(*numbered, strict=True))
    looks = list(past._looks(PastRows(shopper, x.astype(float), y.astype(float)), peeks))
    ends = np.cumsum([len(each) for each in np.array_split(np.arange(len(found)), peeks)])
    for look, end in zip(looks, ends, strict=True):
        by_hand = ShopperSums()
        for who in {who for who, _, _ in numbered[:end]}:
            by_hand += of_shopper(*(sum(row[at] for row in numbered[:end] if row[0] == who) for at in (1, 2)))
        names = ("n", "x", "x2", "y", "y2", "xy")
        assert look.sum(axis=0).tolist() == [getattr(by_hand, name) for name in names]


def test_the_log_is_described_as_a_plan_needs_it() -> None:
    about = described(LOG)
    sums = ShopperSums()
    for who in range(LOG.shoppers):
        mine = LOG.shopper == who
        sums += of_shopper(int(LOG.x[mine].sum()), int(LOG.y[mine].sum()))
    _, variance = ratio(sums.n, sums.x, sums.x2, sums.y, sums.y2, sums.xy)
    assert about.value == pytest.approx(sums.y / sums.x)
    assert about.per_shopper == pytest.approx(sums.x / LOG.shoppers)
    assert about.design_effect == pytest.approx(design_effect(sums))
    assert about.design_effect > 2
    # Halves have twice the variance each, and a difference has both.
    assert about.variance == pytest.approx(4 * variance)
    money = PastRows(LOG.shopper, LOG.x, LOG.y * 19.99)
    assert described(money).design_effect is None
    with pytest.raises(ValueError, match="two shoppers"):
        described(PastRows(LOG.shopper, LOG.x, LOG.x * 0))


@pytest.mark.parametrize("effect", [0.3, -0.4])
def test_what_is_planted_moves_the_value_by_so_much(effect: float) -> None:
    better = planted(LOG, effect, chance(2))
    assert better.counts
    assert better.y.sum() / LOG.y.sum() == pytest.approx(1 + effect, abs=0.05)
    assert np.all((better.y >= LOG.y) if effect > 0 else (better.y <= LOG.y))
    money = planted(PastRows(LOG.shopper, LOG.x, LOG.y * 19.99), effect, chance(2))
    assert money.y == pytest.approx(LOG.y * 19.99 * (1 + effect))


def test_more_than_there_are_trials_for_cannot_be_planted() -> None:
    with pytest.raises(ValueError, match="not trials enough"):
        planted(LOG, 50, chance(2))
    with pytest.raises(ValueError, match="not trials enough"):
        planted(PastRows(LOG.shopper, LOG.x, LOG.x), 0.1, chance(2))


def test_a_as_are_rejected_as_seldom_as_was_asked_and_effects_are_found() -> None:
    same = rejected(LOG, LOG, SPLITS, PEEKS, ALPHA, 100, chance(3))
    assert upper(same.always_valid, SPLITS) <= 0.065
    assert lower(same.fixed, SPLITS, 0.9995) <= ALPHA <= upper(same.fixed, SPLITS, 0.9995)
    assert lower(same.peeked, SPLITS) > ALPHA
    better = planted(LOG, 0.8, chance(4))
    found = rejected(LOG, better, SPLITS, PEEKS, ALPHA, 100, chance(5))
    assert found.always_valid / SPLITS > 0.8
    assert found == rejected(LOG, better, SPLITS, PEEKS, ALPHA, 100, chance(5))


def test_taking_each_row_for_a_shopper_rejects_too_often_where_coins_fall_to_shoppers() -> None:
    """Why the log needs the column: the same coins, judged by rows."""
    coins = chance(3).integers(0, 2, (SPLITS, LOG.shoppers))
    rate = LOG.y.sum() / LOG.x.sum()
    wrong = 0
    for split in coins:
        arm = split[LOG.shopper]
        values, sizes = zip(*((LOG.y[arm == each].sum(), LOG.x[arm == each].sum()) for each in (0, 1)), strict=True)
        gap = values[1] / sizes[1] - values[0] / sizes[0]
        wrong += abs(gap) > 1.96 * np.sqrt(rate * (1 - rate) * (1 / sizes[0] + 1 / sizes[1]))
    assert wrong / SPLITS > 0.15


def test_in_blocks_it_is_as_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "_AT_ONCE", 50 * LOG.shoppers)
    same = rejected(LOG, LOG, SPLITS, PEEKS, ALPHA, 100, chance(6))
    assert lower(same.fixed, SPLITS, 0.9995) <= ALPHA <= upper(same.fixed, SPLITS, 0.9995)


def test_no_arm_is_judged_with_too_few_shoppers() -> None:
    none = rejected(LOG, planted(LOG, 0.8, chance(4)), 20, PEEKS, ALPHA, LOG.shoppers, chance(5))
    assert (none.always_valid, none.fixed, none.peeked) == (0, 0, 0)
