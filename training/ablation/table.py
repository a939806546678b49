"""The table of an ablation: each arm's figures, and what leaving its part out changes, with intervals.

Seeds and products are both drawn from more that there could be, so intervals resample both at once (Owen 2007, the
pigeonhole bootstrap, doi 10.1214/07-AOAS122; it is wide rather than narrow). A change whose interval holds 0 is a null.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from training.ablation.arms import FULL, NO_POST_PROCESSING
from training.ablation.outcome import Outcome

RESAMPLES = 2_000
_BOUNDS = (2.5, 97.5)
MEASURES = ("shown_reward", "shown_faithful", "reward", "passed", "sentiment", "diversity", "cta", "conversion")
"""`shown_*` are of the one text that a shopper would see; the others are of all texts drawn: `reward` counts one that
fails a gate as 0, `passed` is the share that pass, and the terms are means over those that pass."""


class Sums(Struct, frozen=True):
    """One measure as sums over (seed, product): its value is that of `parts` over that of `wholes`."""

    parts: np.ndarray
    wholes: np.ndarray

    def values(self, seeds: np.ndarray, products: np.ndarray) -> np.ndarray:
        """One value for each row of choices, [choices, seeds] and [choices, products], with repeats; NaN where nothing
        is counted.
        """
        chosen = seeds[:, :, None], products[:, None, :]
        part, whole = self.parts[chosen].sum(axis=(1, 2)), self.wholes[chosen].sum(axis=(1, 2))
        found: np.ndarray = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
        return found

    def of_seeds(self, seeds: Sequence[int]) -> float | None:
        """The value over all products under some seeds."""
        value = float(self.values(np.array([seeds]), np.arange(self.parts.shape[1])[None])[0])
        return None if math.isnan(value) else value


def sums_of(runs: Sequence[Sequence[Outcome]], measure: str, *, processed: bool) -> Sums:
    """A measure of one arm: a row for each seed, a column for each product in the order of their names."""
    names = sorted({each.product_id for run in runs for each in run})
    place = {name: number for number, name in enumerate(names)}
    parts, wholes = np.zeros((len(runs), len(names))), np.zeros((len(runs), len(names)))
    for row, run in enumerate(runs):
        for each in run:
            part, whole = _counted(each, measure, processed=processed)
            parts[row, place[each.product_id]] += part
            wholes[row, place[each.product_id]] += whole
    return Sums(parts, wholes)


def table(runs: Mapping[str, Sequence[Sequence[Outcome]]], seed: int) -> dict[str, Any]:
    """{arm: {measure: {value, by_seed, change: {value, low, high, null}}}}; `runs` has a run for each seed by arm.

    `change` is the arm minus the full one on the same seeds and prompts, None for the full one itself.
    """
    known = {name: (found, True) for name, found in runs.items()}
    known[NO_POST_PROCESSING] = (runs[FULL], False)
    return {
        name: {
            measure: _figures(
                sums_of(found, measure, processed=processed),
                None if name == FULL else sums_of(runs[FULL], measure, processed=True),
                seed,
            )
            for measure in MEASURES
        }
        for name, (found, processed) in known.items()
    }


def _counted(each: Outcome, measure: str, *, processed: bool) -> tuple[float, float]:
    if measure == "shown_reward":
        return (each.shown or 0.0) if processed else each.first, 1.0
    if measure == "shown_faithful":
        # A template that stands in is faithful by its making, and earns nothing.
        return 1.0 if processed else float(each.first_passed), 1.0
    if measure == "reward":
        return each.reward, each.texts
    if measure == "passed":
        return each.passed, each.texts
    return each.sums[measure], each.passed


def _figures(own: Sums, full: Sums | None, seed: int) -> dict[str, Any]:
    seeds, products = own.parts.shape
    value = own.of_seeds(range(seeds))
    found: dict[str, Any] = {
        "value": _rounded(value),
        "by_seed": [_rounded(own.of_seeds([row])) for row in range(seeds)],
        "change": None,
    }
    whole = None if full is None else full.of_seeds(range(seeds))
    if full is None or value is None or whole is None:
        return found
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(0, seeds, (RESAMPLES, seeds)), rng.integers(0, products, (RESAMPLES, products))
    changes = own.values(rows, columns) - full.values(rows, columns)
    low, high = (float(bound) for bound in np.nanpercentile(changes, _BOUNDS))
    found["change"] = {
        "value": _rounded(value - whole),
        "low": _rounded(low),
        "high": _rounded(high),
        "null": low <= 0 <= high,
    }
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def markdown(found: Mapping[str, Any]) -> str:
    """The table as a page shows it: the full arm's values, then each arm's changes, nulls named as such."""
    head = ["arm", *(measure.replace("_", " ") for measure in MEASURES)]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for arm, measures in found.items():
        cells = [_cell(measures[measure]) for measure in MEASURES]
        lines.append("| " + " | ".join([arm.replace("_", " "), *cells]) + " |")
    return "\n".join(lines) + "\n"


def _cell(figures: Mapping[str, Any]) -> str:
    change = figures["change"]
    if change is None:
        return "none" if figures["value"] is None else f"{figures['value']:.3f}"
    said = f"{change['value']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]"
    return f"null ({said})" if change["null"] else f"**{said}**"
