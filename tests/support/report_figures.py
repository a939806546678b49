"""Figures of a report from lists of shoppers, by other means than the report's own."""

from math import log as ln

import numpy as np
import scipy.optimize


def delta(of: np.ndarray) -> tuple[float, float]:
    """The ratio and its variance by the delta method, from moments."""
    x, y = of[:, 0], of[:, 1]
    rate, covariance = y.sum() / x.sum(), np.cov(y, x)
    gradient = np.array([1 / x.mean(), -rate / x.mean()])
    return rate, float(gradient @ covariance @ gradient) / len(of)


def always_valid(variance: float, planned: float, alpha: float) -> float:
    """Theorem 2.2 of Waudby-Smith et al., with the tuning found by minimising the width."""

    def width(t: float, v: float) -> float:
        return float(np.sqrt(v * (1 + 1 / t) * (ln(1 + t) - 2 * ln(alpha))))

    best = scipy.optimize.minimize_scalar(lambda t: width(t, 1.0), bounds=(0.1, 100), method="bounded").x
    return width(best * planned / variance, variance)


def regressed(arms: list[np.ndarray]) -> tuple[list[float], list[float], int]:
    """(each arm's adjusted ratio, its variance, rank of the covariates) by weighted least squares on shoppers, with an
    intercept for each arm. An arm has a row for each shopper: x, y and covariates."""
    linear, covariates, ratios = [], [], []
    for arm in arms:
        x, y = arm[:, 0], arm[:, 1]
        ratios.append(y.sum() / x.sum())
        linear.append((y - ratios[-1] * x) / x.mean())
        covariates.append(arm[:, 2:])
    sizes = np.array([len(arm) for arm in arms])
    dummies, known = np.repeat(np.eye(len(arms)), sizes, axis=0), np.concatenate(covariates)
    rank = int(np.linalg.matrix_rank(np.concatenate([each - each.mean(axis=0) for each in covariates])))
    # An arm's mean has the variance of its shoppers over n.
    weights = np.repeat(np.sqrt(1 / (sizes * (sizes - 1))), sizes)
    rows = np.column_stack([dummies, known]) * weights[:, np.newaxis]
    theta = np.linalg.lstsq(rows, np.concatenate(linear) * weights, rcond=None)[0][len(arms) :]
    value = [
        ratio - (each.mean(axis=0) - known.mean(axis=0)) @ theta for ratio, each in zip(ratios, covariates, strict=True)
    ]
    residual = [z - (each - each.mean(axis=0)) @ theta for z, each in zip(linear, covariates, strict=True)]
    # As of any regression: what theta took of the freedom makes residuals too small, in the smallest arm the most.
    free = sizes.min() - 1
    taken = free / (free - rank) if free > rank else float("nan")
    return value, [each.var(ddof=1) / len(each) * taken for each in residual], rank


def intent(held_out: list[int], treated: list[int], share: float) -> tuple[float, float]:
    """log of what a treated shopper buys over what a held-out one does, and its variance, from what buyers bought."""
    due = sum(treated) / (1 - share) / (sum(held_out) / share)
    return ln(due), sum(sum(each * each for each in of) / sum(of) ** 2 for of in (held_out, treated))
