"""Measuring on tests that the fit has not seen, and the model that comes of all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from inference.simulate.past_tests import known_tests
from inference.text.conversion import Conversion, score, versioned
from schemas.arms import Arm
from schemas.errors import Code, ConfigError
from training.conversion.baselines import length, tfidf
from training.conversion.fit import Options, fit
from training.conversion.measure import Judged, report
from training.conversion.pairs import pairs_of
from training.conversion.prior import fit_prior
from training.conversion.split import apart, folds_of, splits
from training.conversion.tuning import Begun, tuned

Said = Callable[[str], None]
Scored = Callable[[Sequence[Arm], Sequence[float]], None]
"""Told of arms that a fit has not seen, and their scores by it."""

MODEL = "model"


def evaluate(
    train: Sequence[Arm],
    test: Sequence[Arm] | None,
    options: Options,
    say: Said,
    scored: Scored | None = None,
) -> dict[str, Any]:
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
        own = [score(model, arm.text, arm.segment) for arm in outside]
        if scored is not None:
            scored(outside, own)
        found = _joined(found, _judged(inside, outside, own))
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
    seen: list[Arm] = []
    scores: list[float] = []

    def scored(outside: Sequence[Arm], own: Sequence[float]) -> None:
        seen.extend(outside)
        scores.extend(own)

    figures = evaluate(arms, None, options, say, scored)
    prior = fit_prior(seen, scores)
    ((cold, warm),) = tuned(known_tests(seen)[0], scores, lambda _group: prior, [frozenset()], options.seed)
    figures["start"] = msgspec.to_builtins(Begun(cold, warm, prior))
    return versioned(replace(fit(arms, options, source), figures=figures))


class Outside(Struct, frozen=True):
    """What models say of arms that they have not seen: of each arm its fold and score, of each fold how to begin its
    tests.
    """

    folds: list[int]
    scores: list[float]
    starts: dict[int, Begun]


def outside(arms: Sequence[Arm], options: Options, say: Said) -> Outside:
    """Score every arm by a model of the other folds' groups; how to begin a fold's tests is found on those of the
    others.

    Raises ConfigError (file_invalid) where there are too few groups or tests.
    """
    folds = folds_of([arm.group for arm in arms], options.folds, options.seed)
    scores = [0.0] * len(arms)
    for fold in sorted(set(folds)):
        model = fit([arm for arm, own in zip(arms, folds, strict=True) if own != fold], options)
        for place, arm in enumerate(arms):
            if folds[place] == fold:
                scores[place] = score(model, arm.text, arm.segment)
        say(f"fold {fold + 1} of {options.folds}: fitted on {model.source['pairs']} pairs")
    priors = {}
    for fold in sorted(set(folds)):
        others = [place for place, own in enumerate(folds) if own != fold]
        priors[fold] = fit_prior([arms[place] for place in others], [scores[place] for place in others])
    fold_of = {arm.group: fold for arm, fold in zip(arms, folds, strict=True)}
    parts = [frozenset(group for group, own in fold_of.items() if own == fold) for fold in priors]
    chosen = tuned(known_tests(arms)[0], scores, lambda group: priors[fold_of[group]], parts, options.seed)
    starts = {fold: Begun(*both, prior) for (fold, prior), both in zip(priors.items(), chosen, strict=True)}
    return Outside(folds, scores, starts)


def _judged(inside: Sequence[Arm], outside: Sequence[Arm], own: Sequence[float]) -> Judged:
    texts = [arm.text for arm in outside]
    scores = {
        MODEL: np.array(own),
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
