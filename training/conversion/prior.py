"""How far a model's scores of texts that it has not seen are to be trusted: by marginal likelihood on past tests."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize
from scipy.special import expit, gammaln, logit, logsumexp

from schemas.arms import Arm
from schemas.errors import Code, ConfigError
from training.conversion.design import Matrix
from training.conversion.fit import Rows

# The level of a test is integrated out over so many points, evenly over this many standard errors to each side: with
# the counted mean in its place, arms would seem to differ by less than they do, most of all where a test has only
# two.
POINTS, WIDTH = 21, 4.0
# Arms of one test rarely differ by more: log-odds of a fifth, as a standard deviation. It widens the grid only.
_SPREAD = 0.2


class FittedPrior(Struct, frozen=True, kw_only=True):
    """An arm is Beta(evidence * m_a, evidence * (1 - m_a)) with logit m_a = logit m + slope * (score - the test's
    mean).

    `evidence` is in impressions, `slope` in log-odds for a point of score; `evidence_alone` is what fits best where
    slope is 0. `gain` is what the scores add to the log likelihood, in all `tests`; `usual` is the rate over all of
    them.
    """

    evidence: float
    slope: float
    evidence_alone: float
    gain: float
    usual: float
    tests: int
    arms: int


class _Table(Struct, frozen=True):
    clicks: Matrix
    others: Matrix
    scores: Matrix
    test: Rows
    levels: Matrix


def fit_prior(arms: Sequence[Arm], scores: Sequence[float]) -> FittedPrior:
    """The prior that makes what was counted likeliest, by the scores of models that had not seen these arms.

    Excluded arms are not used. Raises ConfigError (file_invalid) where no test has two arms.
    """
    table = _table(arms, scores)
    alone = minimize(lambda at: -_likelihood(table, at[0], 0.0), [6.0], method="Nelder-Mead", options=_PRECISE)
    both = minimize(
        lambda at: -_likelihood(table, at[0], at[1]), [alone.x[0], 0.1], method="Nelder-Mead", options=_PRECISE
    )
    return FittedPrior(
        evidence=float(np.exp(both.x[0])),
        slope=float(both.x[1]),
        evidence_alone=float(np.exp(alone.x[0])),
        gain=float(alone.fun - both.fun),
        usual=float(table.clicks.sum() / (table.clicks.sum() + table.others.sum())),
        tests=len(table.levels),
        arms=len(table.clicks),
    )


_PRECISE = {"xatol": 1e-3, "fatol": 1e-3}


def _table(arms: Sequence[Arm], scores: Sequence[float]) -> _Table:
    kept = [place for place, arm in enumerate(arms) if not arm.excluded and arm.impressions > 0]
    names, test = np.unique([arms[place].test for place in kept], return_inverse=True)
    sizes = np.bincount(test, minlength=len(names))
    kept = [place for place, which in zip(kept, test, strict=True) if sizes[which] > 1]
    if not kept:
        raise ConfigError(Code.FILE_INVALID, "no test has two arms", hint="check --map test= and excluded=")
    # By test, so that sums over a test are sums over a stretch.
    kept.sort(key=lambda place: arms[place].test)
    test = np.unique([arms[place].test for place in kept], return_inverse=True)[1]
    clicks = np.array([arms[place].clicks for place in kept], np.float64)
    others = np.array([arms[place].impressions for place in kept], np.float64) - clicks
    own = np.array([scores[place] for place in kept], np.float64)
    size = np.bincount(test)
    own = own - (np.bincount(test, own) / size)[test]
    summed, rest = np.bincount(test, clicks) + 0.5, np.bincount(test, others) + 0.5
    error = np.sqrt(1 / summed + 1 / rest + _SPREAD**2 / size)
    levels = logit(summed / (summed + rest))[:, None] + np.linspace(-WIDTH, WIDTH, POINTS) * error[:, None]
    return _Table(clicks, others, own, test, levels)


def _likelihood(table: _Table, log_evidence: float, slope: float) -> float:
    """Log likelihood of beta-binomial counts, each test's level integrated out over its grid."""
    evidence = np.exp(np.clip(log_evidence, 0.0, 20.0))
    means = expit(table.levels[table.test] + slope * table.scores[:, None])
    ahead, against = evidence * means, evidence * (1 - means)
    clicks, others = table.clicks[:, None], table.others[:, None]
    found = (
        gammaln(ahead + clicks)
        - gammaln(ahead)
        + gammaln(against + others)
        - gammaln(against)
        + gammaln(evidence)
        - gammaln(evidence + clicks + others)
    )
    by_test = np.add.reduceat(found, np.flatnonzero(np.diff(table.test, prepend=-1)), axis=0)
    step = table.levels[:, 1] - table.levels[:, 0]
    return float((logsumexp(by_test, axis=1) + np.log(step)).sum())
