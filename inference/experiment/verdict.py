"""What is said of an arm, in a closed set of words, and whether the experiment ends: the stopping rule carried out."""

from collections.abc import Sequence
from enum import StrEnum

from schemas.experiments import Direction, StoppingRule


class Decision(StrEnum):
    """What is said of a variant against the control. None of them says that two arms are the same."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE_SHOWN = "no_difference_shown"
    INVALID_SRM = "invalid_srm"
    TOO_EARLY = "too_early"


class Guarded(StrEnum):
    """What is said of a guardrail: `held` excludes a loss above the margin, `harmed` shows one, `unclear` neither."""

    HELD = "held"
    HARMED = "harmed"
    UNCLEAR = "unclear"
    INVALID_SRM = "invalid_srm"
    TOO_EARLY = "too_early"


class Ending(StrEnum):
    """Why an experiment ends, or `goes_on`."""

    GOES_ON = "goes_on"
    SRM = "srm"
    HARM = "harm"
    DECIDED = "decided"
    FULL = "full"


def decide(
    low: float, high: float, direction: Direction, shoppers: Sequence[int], least: int, *, srm: bool
) -> Decision:
    """The word for an interval of variant minus control. `shoppers` are those of both arms, `least` what each needs.

    A mismatch comes first: counts that chance does not explain make every figure suspect, the shoppers' too.
    """
    if srm:
        return Decision.INVALID_SRM
    if min(shoppers) < least or not low <= high:
        return Decision.TOO_EARLY
    gain, loss = (low > 0, high < 0) if direction == "higher_is_better" else (high < 0, low > 0)
    if gain:
        return Decision.BETTER
    return Decision.WORSE if loss else Decision.NO_DIFFERENCE_SHOWN


def guard(
    low: float, high: float, direction: Direction, tolerated: float, shoppers: Sequence[int], least: int, *, srm: bool
) -> Guarded:
    """The word for a guardrail. `tolerated` >= 0 is the loss that is put up with, in the metric's own unit."""
    word = decide(low, high, direction, shoppers, least, srm=srm)
    if word in (Decision.INVALID_SRM, Decision.TOO_EARLY):
        return Guarded(word.value)
    worst = low if direction == "higher_is_better" else -high
    if worst >= -tolerated:
        return Guarded.HELD
    best = high if direction == "higher_is_better" else -low
    return Guarded.HARMED if best < 0 else Guarded.UNCLEAR


def ending(rule: StoppingRule, decisions: Sequence[Decision], guarded: Sequence[Guarded], shoppers: int) -> Ending:
    """Whether the experiment ends now, by its rule. `shoppers` are those of all arms."""
    if Decision.INVALID_SRM in decisions:
        return Ending.SRM
    if rule.stop_on_harm and Guarded.HARMED in guarded:
        return Ending.HARM
    if rule.when == "decided" and all(each in (Decision.BETTER, Decision.WORSE) for each in decisions):
        return Ending.DECIDED
    return Ending.FULL if shoppers >= rule.max_shoppers else Ending.GOES_ON
