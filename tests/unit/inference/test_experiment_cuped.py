"""CUPED: against a regression on the shoppers themselves, and what it does to error rates, coverage and power."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from report_figures import regressed

from inference.experiment.cuped import adjusted
from inference.experiment.exact import inside, lower, upper
from inference.experiment.ratio import difference, estimate
from inference.experiment.sequential import fixed_half_width
from inference.experiment.sums import ShopperSums, of_shopper
from inference.experiment.trials import Trials, planned, run

Shoppers = list[tuple[int, int, int, int]]
"""x, y, and impressions and clicks of before."""

# Impressions first, clicks are some of them; half of the shoppers are new.
KNOWN = st.integers(0, 30).flatmap(lambda seen: st.tuples(st.just(seen), st.integers(0, seen)))
SHOPPER = st.tuples(st.integers(0, 40), st.integers(0, 20), st.one_of(st.just((0, 0)), KNOWN)).map(
    lambda each: (each[0], each[1], *each[2])
)
ARM = st.lists(SHOPPER, min_size=3, max_size=25)


def summed(shoppers: Shoppers) -> ShopperSums:
    total = ShopperSums()
    for x, y, a, b in shoppers:
        total += of_shopper(x, y, (a, b))
    return total


@given(ARM, ARM)
def test_it_is_the_regression_on_the_shoppers(control: Shoppers, variant: Shoppers) -> None:
    arms = [control, variant]
    assume(all(sum(x for x, *_ in arm) > 0 for arm in arms))
    found = adjusted({"control": summed(control), "variant": summed(variant)})
    values, variances, rank = regressed([np.array(arm, dtype=float) for arm in arms])
    if rank == 0 or rank >= min(len(control), len(variant)) - 1:
        assert found is None
        return
    assert found is not None
    # Of covariates that move together least squares takes the shortest theta; what it predicts is the same.
    for name, value, variance, arm in zip(("control", "variant"), values, variances, arms, strict=True):
        assert found[name].value == pytest.approx(value, rel=1e-6, abs=1e-9)
        assert found[name].variance == pytest.approx(variance, rel=1e-6, abs=1e-9)
        assert found[name].n == len(arm)


def test_weights_of_decisions_change_nothing() -> None:
    """collect has every amount in units of 2^-16: theta is a ratio of them."""
    drawn = np.random.Generator(np.random.PCG64(2))
    arms = {}
    for name in ("control", "variant"):
        seen = drawn.poisson(20, (300, 2)) + 1
        arms[name] = [(int(x), int(x) // 5, int(a), int(a) // (3 + x % 3)) for x, a in seen]
    unit = {name: [tuple(65_536 * each for each in one) for one in arm] for name, arm in arms.items()}
    plain, weighted = (adjusted({name: summed(arm) for name, arm in each.items()}) for each in (arms, unit))
    assert plain is not None
    assert weighted is not None
    for name in arms:
        assert weighted[name].value == pytest.approx(plain[name].value, rel=1e-9)
        assert weighted[name].variance == pytest.approx(plain[name].variance, rel=1e-9)


def test_it_takes_the_explained_share() -> None:
    """Of 4,000 shoppers; the share that the covariate explains is known to about 0.015 (one standard error)."""
    drawn = np.random.Generator(np.random.PCG64(5))
    arms: dict[str, Shoppers] = {}
    for arm, plus in (("template", 0), ("warm", 1)):
        taste = drawn.poisson(20, 2000)
        y = taste * 2 + drawn.poisson(10, 2000) + plus
        arms[arm] = [(1, *each) for each in zip(y.tolist(), taste.tolist(), [0] * 2000, strict=True)]
    sums = {arm: summed(each) for arm, each in arms.items()}
    better, plain = adjusted(sums), {arm: estimate(each) for arm, each in sums.items()}
    assert better is not None
    gap, bare = (difference(each["warm"], each["template"]) for each in (better, plain))
    assert gap.variance / bare.variance == pytest.approx(10 / (4 * 20 + 10), abs=0.02)
    assert gap.value == pytest.approx(1, abs=5 * gap.variance**0.5)


def test_two_figures_tell_more_than_either() -> None:
    """Who comes often is no keener: only clicks against impressions of before say what rate a shopper has."""
    drawn = np.random.Generator(np.random.PCG64(8))
    sums = {}
    for arm in ("template", "warm"):
        rate, seen = drawn.beta(2, 18, 3000), drawn.poisson(drawn.gamma(0.5, 60, 3000))
        x = drawn.poisson(50, 3000) + 10
        columns = (x, drawn.binomial(x, rate), seen, drawn.binomial(seen, rate))
        sums[arm] = summed([tuple(map(int, each)) for each in zip(*columns, strict=True)])
    bare = sum(estimate(each).variance for each in sums.values())  # type: ignore[union-attr]

    def left(**nothing: int) -> float:
        found = adjusted({arm: _with(each, nothing) for arm, each in sums.items()})
        assert found is not None
        return sum(each.variance for each in found.values()) / bare

    both, impressions, clicks = left(), left(b=0, b2=0, ab=0, xb=0, yb=0), left(a=0, a2=0, ab=0, xa=0, ya=0)
    assert both < clicks - 0.05
    assert both < impressions - 0.15


def _with(sums: ShopperSums, changed: dict[str, int]) -> ShopperSums:
    return ShopperSums(**{name: changed.get(name, getattr(sums, name)) for name in sums.__struct_fields__})


def test_it_needs_a_covariate_that_differs_and_shoppers_to_spare() -> None:
    same = {"template": summed([(1, 1, 4, 1)] * 5), "warm": summed([(1, 0, 4, 1)] * 5)}
    assert adjusted(same) is None
    assert adjusted({"template": summed([(1, 1, 4, 1), (1, 0, 3, 0)]), "warm": ShopperSums()}) is None
    few = {"template": summed([(1, 1, 4, 1), (1, 0, 3, 0)]), "warm": summed([(1, 1, 9, 1), (1, 0, 3, 2)])}
    assert adjusted(few) is None
    assert adjusted({}) is None


@pytest.mark.statistical
def test_a_and_as_and_planted_effects_peeked_after_every_batch() -> None:
    """1,000 of each, with 20 impressions before in the mean. Always-valid: the 95 % upper bound of the rate has to be
    6.5 % or less, and 1 % is usual. One look: within the exact 99.9 % interval of 5 %. Of the variance some 40 % is
    saved, so that 98 % of the effects are found where 82 % were, and sooner.
    """
    plan = planned(0.1, 0.3, 10, 0.05, 0.8)
    asked = {"experiments": 1000, "peeks": 10, "baseline": 0.1, "plan": plan, "least": 100, "before": 20.0}
    same, effects = run(Trials(true_effect=0.0, **asked), 1), run(Trials(true_effect=0.3, **asked), 2)
    assert same.adjusted is not None
    assert effects.adjusted is not None
    assert upper(same.adjusted.always_valid, 1000) <= 0.065
    assert inside(same.adjusted.fixed, 1000, 0.05, 0.999)
    assert same.adjusted.saved > 0.3
    assert lower(effects.adjusted.always_valid, 1000) > 0.95
    assert effects.adjusted.shoppers < 0.85 * effects.shoppers
    bare = run(Trials(true_effect=0.0, **{**asked, "before": 0.0}), 1)
    assert bare.adjusted is None
    assert (bare.always_valid, bare.fixed, bare.shoppers) == (same.always_valid, same.fixed, same.shoppers)


@pytest.mark.statistical
def test_intervals_hold_the_planted_effect() -> None:
    """600 experiments of 200 and 600 shoppers, 95 % intervals: so many hold the truth as a binomial has it in all but
    1 of 1,000 cases; and the mean effect is off by less than 4 standard errors (1 in 16,000)."""
    drawn, found = np.random.Generator(np.random.PCG64(21)), []
    for _ in range(600):
        sums = {}
        for arm, lift, n in (("control", 1.0, 200), ("variant", 1.3, 600)):
            rate, often = drawn.beta(2, 18, n), drawn.gamma(0.5, 20, n)
            x, seen = drawn.poisson(often) + 10, drawn.poisson(often)
            sums[arm] = _columns(x, drawn.binomial(x, np.minimum(1, rate * lift)), seen, drawn.binomial(seen, rate))
        better = adjusted(sums)
        assert better is not None
        found.append(difference(better["variant"], better["control"]))
    gaps, widths = (np.array([getattr(each, name) for each in found]) for name in ("value", "variance"))
    missed = int((np.abs(gaps - 0.03) > fixed_half_width(widths, 0.05)).sum())
    assert inside(missed, 600, 0.05, 0.999)
    assert abs(gaps.mean() - 0.03) < 4 * gaps.std() / 600**0.5


def _columns(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> ShopperSums:
    parts = {"x": x, "x2": x * x, "y": y, "y2": y * y, "xy": x * y, "a": a, "a2": a * a, "b": b, "b2": b * b}
    parts |= {"ab": a * b, "xa": x * a, "xb": x * b, "ya": y * a, "yb": y * b}
    return ShopperSums(n=len(x), **{name: int(each.sum()) for name, each in parts.items()})
