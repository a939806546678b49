"""Measuring on tests that the fit has not seen, and the model that comes of all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from inference.text.conversion import Conversion, score, versioned
from schemas.arms import Arm
from schemas.errors import Code, ConfigError
from training.conversion.baselines import length, tfidf
from training.conversion.fit import Options, fit
from training.conversion.measure import Judged, report
from training.conversion.pairs import pairs_of
from training.conversion.split import apart, splits

Said = Callable[[str], None]

MODEL = "model"


def evaluate(train: Sequence[Arm], test: Sequence[Arm] | None, options: Options, say: Said) -> dict[str, Any]:
    """Fit on `train` and measure on `test`; without `test`, fit on all folds of `train` but one and measure on that,
    each in turn. No group is on both sides of a fit: those of `test` are dropped from `train`, and counted.

    Raises ConfigError (file_invalid) where nothing is left to fit on or to measure.
    """
    shared = 0
    if test is None:
        parts, how = list(splits(train, options.folds, options.seed)), f"{options.folds} folds of --train by group"
    else:
        kept, shared = apart(train, test)
        parts, how = [(kept, list(test))], "--test"
        if shared:
            say(
                f"{shared} groups of --test stand in --train too: their {len(train) - len(kept)} rows are not fitted on"
            )
    found, equal, same = Judged([], np.zeros(0), {}), 0, 0
    for number, (inside, outside) in enumerate(parts, start=1):
        assert not {arm.group for arm in inside} & {arm.group for arm in outside}
        model = fit(inside, options)
        paired = pairs_of(outside)
        equal, same = equal + paired.equal_rates, same + paired.same_texts
        found = _joined(found, _judged(inside, outside, model))
        say(f"{number} of {len(parts)}: fitted on {model.source['pairs']} pairs, measured on {len(paired.pairs)}")
    if not len(found.z):
        what = "there is no pair to measure: two texts of one test, not excluded, with different click rates"
        raise ConfigError(Code.FILE_INVALID, what, hint="check --map test=, text=, image= and excluded=")
    return report(found, MODEL, options.seed) | {
        "split": how,
        "groups_dropped": shared,
        "left_out": {"equal_rates": equal, "same_texts": same},
    }


def train_model(arms: Sequence[Arm], options: Options, source: dict[str, Any], say: Said) -> Conversion:
    """The model of all arms; its `figures` are those of models fitted without the groups that they are measured on."""
    figures = evaluate(arms, None, options, say)
    return versioned(replace(fit(arms, options, source), figures=figures))


def _judged(inside: Sequence[Arm], outside: Sequence[Arm], model: Conversion) -> Judged:
    texts = [arm.text for arm in outside]
    scores = {
        MODEL: np.array([score(model, arm.text, arm.segment) for arm in outside]),
        "length": length(texts),
        "tfidf": tfidf(inside)(texts),
        "tfidf_surface": tfidf(inside, surface=True)(texts),
    }
    pairs = pairs_of(outside).pairs
    a, b = np.array([pair.a for pair in pairs], int), np.array([pair.b for pair in pairs], int)
    return Judged(
        [outside[pair.a].group for pair in pairs],
        np.array([pair.z for pair in pairs]),
        {name: values[a] - values[b] for name, values in scores.items()},
    )


def _joined(one: Judged, other: Judged) -> Judged:
    return Judged(
        one.groups + other.groups,
        np.concatenate([one.z, other.z]),
        {
            name: np.concatenate([one.differences.get(name, np.zeros(0)), values])
            for name, values in other.differences.items()
        },
    )
