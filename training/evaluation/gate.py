"""What a bundle may not be shipped with, judged by its evaluation."""

from collections.abc import Mapping
from typing import Any

# A text that is in doubt is given up early and written again. With eight tries, as serving has, this many of the first
# leave one request in six to the template, under the conditions of an evaluation: every channel, tone and call evenly.
LEAST_ADMITTED = 0.2


def failures(evaluation: Mapping[str, Any]) -> list[str]:
    """What does not hold, one line each; empty is a pass.

    Texts that were admitted say nothing that the record does not, fit their channel and hold no brace, all of them in
    every slice; and in every slice LEAST_ADMITTED of the first tries are admitted.
    """
    found = []
    for name, slice_ in evaluation["slices"].items():
        if slice_ is None:
            continue
        admitted = slice_["tries"]["admitted"]["value"]
        if admitted is None or admitted < LEAST_ADMITTED:
            found.append(f"{name}: {_percent(admitted)} of tries are admitted, {LEAST_ADMITTED:.0%} are the least")
        kept = slice_["admitted"]
        for measure, what in (("faithful", "say nothing beyond the record"), ("length_kept", "fit their channel")):
            value = kept[measure]["value"]
            if value is not None and value < 1:
                found.append(f"{name}: {_percent(value)} of the admitted texts {what}, all have to")
        if kept["slips"]["brace"]:
            found.append(f"{name}: {kept['slips']['brace']} admitted texts hold a brace")
    return found


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"
