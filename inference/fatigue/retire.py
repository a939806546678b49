"""Which texts to retire: those whose rate has declined or whose novelty is spent, the clearest first, so many a day.

`alpha` is about declines alone: that a text is familiar is counted, not tested.
"""

from collections.abc import Iterable, Sequence
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from inference.fatigue.beside import against, decline_beside
from inference.fatigue.decline import NONE, Day, decline

T = TypeVar("T")


class FatigueRules(Struct, frozen=True, kw_only=True):
    """`alpha`: the chance that something whose rate never falls is ever retired for a decline, and that something which
    falls with all others of its place is. A decline has to take at least the share `drop` of the rate, and as much
    beside what the others have lost meanwhile.

    A text is spent from a familiarity of `spent` on, once its segment has looked at it `looks` times. `a_day` texts are
    retired a day, and copy is asked anew in `entries_a_day` entries of the pool; a text that stands in more is retired
    on a day of its own.
    """

    alpha: float = 0.01
    drop: float = 0.1
    spent: float = 0.8
    looks: int = 1_000
    a_day: int = 20
    entries_a_day: int = 1_000


class Tired(Struct, frozen=True, kw_only=True):
    """Why something is retired: figures of the test for the audit. `weight` orders, the greater the clearer."""

    reason: Literal["decline", "familiar"]
    weight: float
    figures: dict[str, float]

    def why(self) -> str:
        """In a line, for the record."""
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return f"{'its click rate has declined' if self.reason == 'decline' else 'its segment knows it'}: {told}"


class Budget(Struct, frozen=True):
    """What was retired on a day so far: texts, and entries of the pool in which they stood."""

    texts: int = 0
    entries: int = 0


def declined(
    days: Sequence[Day], others: Sequence[Day], rules: FatigueRules, past: Day = NONE, others_past: Day = NONE
) -> Tired | None:
    """Whether an arm declines: against its own past, and beside `others`, all other arms of its place on the same days.
    `past` and `others_past` sum up the days before.

    Where the others have no clicks to compare with, the arm's own past has to do.
    """
    found = decline(days, past)
    if not found.found(rules.alpha) or not found.before or found.after is None:
        return None
    figures = {
        "p": found.p,
        "alpha": rules.alpha,
        "before": found.before,
        "after": found.after,
        "days": float(len(days) - found.since),
    }
    lost = [found.after / found.before]
    beside = decline_beside(days, others, past, others_past)
    if beside is not None:
        share = against(days, others, found.since, past, others_past)
        if not beside.found(rules.alpha) or share is None:
            return None
        lost.append(share)
        figures |= {"p_beside_others": beside.p, "beside_others": share}
    if max(lost) > 1 - rules.drop:
        return None
    return Tired(reason="decline", weight=1 / max(found.p, 1e-300), figures=figures)


def spent(familiar: float | None, own: Day, others: Day, rules: FatigueRules) -> Tired | None:
    """Whether a text's novelty is spent: its familiarity, what it did in its segment, and what all others did there.

    A text that does better than the others stays, however well it is known: a policy that learns shows it most, and so
    makes it familiar. Where there are no others it cannot be told, and stays too.
    """
    if familiar is None or own.impressions < rules.looks or familiar < rules.spent or not others.impressions:
        return None
    rate, usual = own.clicks / own.impressions, others.clicks / others.impressions
    if rate > usual:
        return None
    figures = {"familiarity": familiar, "looks": float(own.impressions), "rate": rate, "others": usual}
    return Tired(reason="familiar", weight=familiar, figures=figures)


class Candidate(Struct, Generic[T], frozen=True):
    """Something tired. `entries` of the pool hold it; `name` says what it is, and orders what weighs the same."""

    name: T
    tired: Tired
    entries: int


def chosen(tired: Iterable[Candidate[T]], today: Budget, rules: FatigueRules) -> list[Candidate[T]]:
    """What to retire now, after what was retired today: declines first, the clearest first, as the budget lasts."""
    texts, entries = today.texts, today.entries
    found = []
    for each in sorted(tired, key=lambda each: (each.tired.reason != "decline", -each.tired.weight, str(each.name))):
        if texts < rules.a_day and (not texts or entries + each.entries <= rules.entries_a_day):
            found.append(each)
            texts, entries = texts + 1, entries + each.entries
    return found
