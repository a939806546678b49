"""Where a new text begins: prior beliefs moved by what a model of texts predicts.

P_conv (`inference.text.conversion`) says which of two texts does better, not how often it is clicked, and not how far
it is to be trusted. Two numbers, fitted on past tests that the model had not seen, say the rest: by how much a point
of its score moves the log-odds of a click (`slope`), and how many impressions such a prediction is worth
(`evidence`).
"""

from typing import Any

import numpy as np
from msgspec import Struct

Numbers = np.ndarray[Any, np.dtype[Any]]


class Prior(Struct, frozen=True, kw_only=True):
    """How a test's arms are believed to spread before they are seen, around the rate that they have together.

    An arm is Beta(evidence * mean, evidence * (1 - mean)). `usual` is the rate to begin with, where nothing is counted.
    `sharpness` multiplies both numbers of a belief before it is drawn from: above 1 the policy explores less than its
    belief's width says ("posterior reshaping", Chapelle and Li 2011, section 3).
    """

    evidence: float
    slope: float = 0.0
    usual: float = 0.5
    sharpness: float = 1.0

    def level(self, successes: Numbers, trials: Numbers) -> Numbers:
        """The rate of all arms together: as counted, with one success in 1 / `usual` trials before it. With `usual` a
        half this is Laplace's rule.
        """
        return (successes + 1.0) / (trials + 1.0 / self.usual)


def moved(level: Numbers, shifts: Numbers) -> Numbers:
    """The rate whose log-odds are `shifts` above those of `level`: sigmoid(logit(level) + shift). They broadcast."""
    odds = np.exp(shifts) * level
    return np.asarray(odds / (odds + (1 - level)))
