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


def intent(held_out: list[int], treated: list[int], share: float) -> tuple[float, float]:
    """log of what a treated shopper buys over what a held-out one does, and its variance, from what buyers bought."""
    due = sum(treated) / (1 - share) / (sum(held_out) / share)
    return ln(due), sum(sum(each * each for each in of) / sum(of) ** 2 for of in (held_out, treated))
