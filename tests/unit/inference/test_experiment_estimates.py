"""Sums, ratios and inverse propensity, against the shoppers themselves and against scipy and resampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.experiment.ratio import design_effect, estimate, per_shopper_variance
from inference.experiment.scores import UNIT, doubly_robust, effect, weight_of
from inference.experiment.sums import ShopperSums, grown, of_shopper

SHOPPER = st.tuples(st.integers(0, 50), st.integers(0, 50), st.tuples(st.integers(0, 9), st.integers(0, 9)))


def summed(shoppers) -> ShopperSums:
    total = ShopperSums()
    for each in shoppers:
        total += of_shopper(*each)
    return total


def chance(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@given(st.lists(SHOPPER, max_size=20), st.lists(SHOPPER, max_size=20))
def test_sums_of_disjoint_shoppers_add_and_come_apart(left, right) -> None:
    assert summed(left + right) == summed(left) + summed(right)
    assert summed(left + right) - summed(right) == summed(left)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_a_shopper_who_comes_back_replaces_what_was_known(visits) -> None:
    """However visits interleave, the sums are those of each shopper's totals."""
    known = {who: (who * 3, who * who) for who in range(5)}
    held, sums = {}, ShopperSums()
    for who, x, y in visits:
        before = held.get(who)
        held[who] = (x, y) if before is None else (before[0] + x, before[1] + y)
        sums = grown(sums, before, held[who], known[who])
    assert sums == summed((x, y, known[who]) for who, (x, y) in held.items())


@given(st.lists(SHOPPER, min_size=2, max_size=30))
def test_the_ratio_is_that_of_the_delta_method_by_its_covariances(shoppers) -> None:
    x, y = (np.array([each[place] for each in shoppers], dtype=float) for place in (0, 1))
    found = estimate(summed(shoppers))
    if x.sum() == 0:
        assert found is None
        return
    value, cov = y.sum() / x.sum(), np.cov(x, y)
    usual = (cov[1, 1] - 2 * value * cov[0, 1] + value**2 * cov[0, 0]) / (len(x) * x.mean() ** 2)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert found.variance == pytest.approx(usual, rel=1e-6, abs=1e-12)


def test_with_one_impression_each_it_is_the_variance_of_a_share() -> None:
    found = estimate(summed([(1, 1)] * 30 + [(1, 0)] * 70))
    assert found is not None
    assert found.variance == pytest.approx(0.3 * 0.7 / 99)


def test_the_standard_error_is_that_of_samples_drawn_again() -> None:
    """5,000 samples: the deviation of their ratios has a relative error of 1 %; 5 % is five of them."""
    drawn = chance(3)

    def sample() -> tuple[np.ndarray, np.ndarray]:
        x = 10 + drawn.poisson(drawn.gamma(0.5, 20, (5000, 200)))
        return x, drawn.binomial(x, drawn.beta(2, 18, (5000, 200)))

    x, y = sample()
    values = y.sum(axis=1) / x.sum(axis=1)
    one = estimate(summed(zip(x[0].tolist() + x[1].tolist(), y[0].tolist() + y[1].tolist(), strict=True)))
    told = np.mean([estimate(summed(zip(x[k].tolist(), y[k].tolist(), strict=True))).variance for k in range(300)])
    assert np.sqrt(told) == pytest.approx(values.std(), rel=0.05)
    by_impressions = values.mean() * (1 - values.mean()) / x.sum(axis=1).mean()
    assert told > 2 * by_impressions
    assert one is not None


def test_design_effect_and_variance_of_a_shopper() -> None:
    # Every shopper clicks always or never: ten impressions tell no more than one.
    sums = summed([(10, 10)] * 200 + [(10, 0)] * 800)
    assert design_effect(sums) == pytest.approx(10, rel=0.01)
    assert per_shopper_variance(sums) == pytest.approx(0.2 * 0.8, rel=0.01)
    assert design_effect(summed([(10, 0)] * 5)) is None
    assert estimate(summed([(5, 1)])) is None


def test_weights_are_integers_of_the_propensity() -> None:
    assert weight_of(1.0) == UNIT == 65_536
    assert weight_of(0.05) == 1_310_720
    for wrong in (0.0, -0.1, 1.01):
        with pytest.raises(ValueError, match="propensity"):
            weight_of(wrong)


def adaptive(seed: int, shoppers: int = 400, each: int = 10):
    """A log of two equal arms whose policy goes after whichever was ahead, with shoppers who differ."""
    drawn = chance(seed)
    rates = drawn.beta(2, 8, shoppers)
    who = np.tile(np.arange(shoppers), each)
    seen, won = np.ones(2), np.full(2, 0.2)
    chosen, p, reward = (np.empty(len(who), dtype=kind) for kind in (np.int64, float, float))
    for begin in range(0, len(who), 100):
        part = slice(begin, begin + 100)
        second = 0.9 if won[1] / seen[1] > won[0] / seen[0] else 0.1
        chosen[part] = drawn.random(100) < second
        p[part] = np.where(chosen[part] == 1, second, 1 - second)
        reward[part] = drawn.random(100) < rates[who[part]]
        seen += np.bincount(chosen[part], minlength=2)
        won += np.bincount(chosen[part], weights=reward[part], minlength=2)
    return who, chosen, p, reward


@pytest.mark.statistical
def test_under_adaptive_arms_scores_are_unbiased_where_raw_means_are_not() -> None:
    """200 A/As. The mean effect lies within 4 standard errors of 0 (1 in 16,000); so many 95 % intervals miss 0 as a
    binomial of 5 % allows (1 in 1,000 each way); a raw mean is too low by over 3 (4 are usual)."""
    found, raw, misses = [], [], 0
    for seed in range(200):
        who, chosen, p, reward = adaptive(seed)
        scores = doubly_robust(chosen, reward, p, np.full((len(who), 2), 0.2))
        each = effect(who, scores, 1, 0)
        found.append(each.value)
        misses += abs(each.value) > 1.96 * each.variance**0.5
        weights = np.array([weight_of(one) for one in p], dtype=float)
        own = [(weights * (chosen == arm)) for arm in (0, 1)]
        ipw = [(w * reward).sum() / w.sum() for w in own]
        assert ipw[1] - ipw[0] == pytest.approx(each.value, abs=0.02)
        raw.append(reward[chosen == 0].mean() - 0.2)
    assert abs(np.mean(found)) < 4 * np.std(found) / 200**0.5
    assert 2 <= misses <= 22
    assert np.mean(raw) < -3 * np.std(raw) / 200**0.5


def test_a_propensity_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="propensity"):
        doubly_robust(np.array([0]), np.array([1.0]), np.array([0.0]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="two shoppers"):
        effect(np.array([4, 4]), np.zeros((2, 2)), 1, 0)
