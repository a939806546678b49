"""Which texts to retire: those whose rate has declined or whose novelty is spent, the clearest first, so many a day."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from inference.fatigue.decline import Day, against, decline

T = TypeVar("T")


class FatigueRules(Struct, frozen=True, kw_only=True):
    """`alpha`: the chance that something whose rate never falls is ever retired for a decline. A decline has to take
    at least the share `drop` of the rate, and as much beside what others of the same place have lost meanwhile.

    A text is spent from a familiarity of `spent` on, once its segment has looked at copy `looks` times. So many texts
    are retired a day: each has to be written anew.
    """

    alpha: float = 0.01
    drop: float = 0.1
    spent: float = 0.8
    looks: int = 1_000
    a_day: int = 20


class Tired(Struct, frozen=True, kw_only=True):
    """Why something is retired: figures of the test for the audit. `weight` orders, the greater the clearer."""

    reason: Literal["decline", "familiar"]
    weight: float
    figures: dict[str, float]

    def why(self) -> str:
        """In a line, for the record."""
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return f"{'its click rate has declined' if self.reason == 'decline' else 'its segment knows it'}: {told}"


def declined(days: Sequence[Day], others: Sequence[Day], rules: FatigueRules) -> Tired | None:
    """Whether an arm declines. `others` are all other arms of its place on the same days.

    Where those have no clicks to compare with, the arm's own past has to do.
    """
    found, beside = decline(days), against(days, others)
    if not found.found(rules.alpha) or not found.before or found.after is None:
        return None
    left = found.after / found.before
    if left > 1 - rules.drop or (beside is not None and beside > 1 - rules.drop):
        return None
    figures = {"p": found.p, "before": found.before, "after": found.after, "since_day": float(found.since)}
    return Tired(
        reason="decline",
        weight=1 / max(found.p, 1e-300),
        figures=figures | ({"beside_others": beside} if beside is not None else {}),
    )


def spent(familiar: float | None, looks: int, rules: FatigueRules) -> Tired | None:
    """Whether a text's novelty is spent: its `familiarity`, in a segment that has looked at copy `looks` times."""
    if familiar is None or looks < rules.looks or familiar < rules.spent:
        return None
    return Tired(reason="familiar", weight=familiar, figures={"familiarity": familiar, "looks": float(looks)})


def chosen(tired: Iterable[tuple[T, Tired]], today: int, rules: FatigueRules) -> list[tuple[T, Tired]]:
    """What to retire now, where `today` have been retired today: declines first, the clearest first."""
    ordered = sorted(tired, key=lambda each: (each[1].reason != "decline", -each[1].weight))
    return ordered[: max(0, rules.a_day - today)]
