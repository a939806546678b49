"""How well a text is expected to do, 0 to 1: better or worse than an average text, which has 0.5; no click rate."""

from collections.abc import Callable, Sequence
from math import exp, log
from pathlib import Path

from training.tune.sift import Row

Predict = Callable[[str, str], float]
"""(slot text, segment) -> predicted conversion, 0 to 1."""

# Seen as if each text had been shown until ten clicks of an average one besides: below that a share is mostly chance.
_PRIOR_CLICKS = 10.0


def predictor(path: Path) -> Predict:
    """What a `conversion.json` predicts (equation 2 of the paper that Patter follows).

    Raises ConfigError where the file is of another kind.
    """
    from inference.text.conversion import p_conv, read_conversion

    model = read_conversion(path)
    return lambda text, segment: float(p_conv(model, text, segment))


def observed(rows: Sequence[Row]) -> list[float] | None:
    """What each row was seen to do, on the scale of a prediction; None where no row was ever clicked, or none shown
    without a click.

    The share of clicks is drawn towards the mean of all by `_PRIOR_CLICKS`; what is answered is the logistic function
    of the difference of its log-odds to the mean's. A row that was never shown has 0.5.
    """
    shown, clicked = sum(row.impressions for row in rows), sum(row.clicks for row in rows)
    if not 0 < clicked < shown:
        return None
    mean = clicked / shown
    prior = _PRIOR_CLICKS / mean
    return [_above((row.clicks + _PRIOR_CLICKS) / (row.impressions + prior), mean) for row in rows]


def _above(share: float, mean: float) -> float:
    # More clicks than impressions are the data's fault; a share of all of them has no log-odds.
    share = min(share, 1 - 1e-9)
    return 1 / (1 + exp(log(mean / (1 - mean)) - log(share / (1 - share))))
