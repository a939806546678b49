"""All copy against none: the ratio of what treated and held-out shoppers buy, of whom only buyers are known."""

import numpy as np
import pytest
import scipy.stats

from inference.experiment.intent import LEAST, Bought, worth
from inference.experiment.sequential import fixed_half_width
from inference.experiment.verdict import Decision

SHARE = 0.2
LOOKS = 10


def bought(orders: np.ndarray) -> Bought:
    return Bought(int((orders > 0).sum()), int(orders.sum()), int((orders.astype(np.int64) ** 2).sum()))


def shop(seed: int, uplift: float, shoppers: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    """(looks, shoppers) orders so far, and who is held out. Shoppers differ, and most buy nothing for long."""
    chance = np.random.Generator(np.random.PCG64(seed))
    held = chance.random(shoppers) < SHARE
    rates = chance.gamma(0.5, 0.2, shoppers) * np.where(held, 1, 1 + uplift)
    return chance.poisson(rates, (LOOKS, shoppers)).cumsum(axis=0), held


def words(uplift: float, seeds: range) -> tuple[int, int, list[float]]:
    """Worlds in which a look ever shows an effect; in which the usual interval does; and log R at the end."""
    found, usual, ends = 0, 0, []
    for seed in seeds:
        orders, held = shop(seed, uplift)
        each = [worth("orders", SHARE, bought(look[held]), bought(look[~held])) for look in orders]
        found += any(one.decision in (Decision.BETTER, Decision.WORSE) for one in each)
        gains = [np.log1p(one.relative) for one in each]
        usual += any(
            abs(gain) > fixed_half_width(variance(look, held), 0.05) for gain, look in zip(gains, orders, strict=True)
        )
        ends.append(float(gains[-1]))
    return found, usual, ends


def variance(orders: np.ndarray, held: np.ndarray) -> float:
    return float(sum((orders[of] ** 2).sum() / orders[of].sum() ** 2 for of in (held, ~held)))


@pytest.mark.statistical
def test_looking_ten_times_raises_no_more_false_alarms_than_it_says() -> None:
    """400 worlds without an effect, 5 % promised: more than 6.5 % + 1.64 standard errors would fail. Seeded."""
    found, usual, ends = words(0.0, range(400))
    print(f"false alarms: {found} of 400, the usual interval at every look: {usual}")
    assert scipy.stats.binomtest(found, 400, 0.065, alternative="greater").pvalue > 0.05
    # What one would do without it: the usual interval at every look.
    assert usual > 2 * 0.05 * 400
    # The variance that comes without the number of shoppers is that of the worlds.
    told = np.mean([variance(*_last(seed)) for seed in range(50)])
    assert np.var(ends) == pytest.approx(told, rel=0.25)


def _last(seed: int) -> tuple[np.ndarray, np.ndarray]:
    orders, held = shop(seed, 0.0)
    return orders[-1], held


@pytest.mark.statistical
def test_an_effect_is_found_and_its_size_is_right() -> None:
    found, _, ends = words(1.0, range(1_000, 1_060))
    assert found > 50
    assert np.mean(ends) == pytest.approx(np.log(2.0), abs=4 * np.std(ends) / np.sqrt(60))


def test_figures_are_what_the_formula_says() -> None:
    found = worth("orders", 0.1, Bought(100, 110, 150), Bought(950, 1_200, 1_900))
    assert found.relative == pytest.approx((1_200 / 0.9) / (110 / 0.1) - 1)
    assert found.extra == pytest.approx(1_200 - 110 * 9)
    assert found.low is not None
    assert found.high is not None
    middle = np.sqrt((1 + found.low) * (1 + found.high)) - 1
    assert middle == pytest.approx(found.relative)


def test_too_few_buyers_are_not_judged_and_none_have_no_figure() -> None:
    few = worth("orders", 0.5, Bought(LEAST - 1, LEAST - 1, LEAST - 1), Bought(9_000, 9_000, 9_000))
    assert few.decision is Decision.TOO_EARLY
    assert few.low is not None
    assert few.low > 0
    nothing = worth("orders", 0.5, Bought(), Bought(9_000, 9_000, 9_000))
    assert (nothing.relative, nothing.low, nothing.decision) == (None, None, Decision.TOO_EARLY)
    one = worth("orders", 0.5, Bought(1, 1, 1), Bought(1, 1, 1))
    assert one.relative == pytest.approx(0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_of_nobody_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="no share"):
        worth("orders", share, Bought(), Bought())
