"""Who was held out of which experiment at a time, and who was treated: functions of names and times alone."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from inference.decide.assign import Holdout, held_out
from inference.experiment.assignment import Claims, is_held_out
from schemas.experiments import ExperimentRecord
from schemas.trial_groups import Tried

# An order may come this long after an experiment has stopped, and still have happened before.
REMEMBERED_MS = 30 * 24 * 3_600_000


def tried(newest: Iterable[ExperimentRecord]) -> tuple[Tried, ...]:
    """Every experiment that runs, or did in the 30 days up to the last change of any, by start and name.

    None where none of them holds anybody out: then there is nothing to tell apart. All are needed otherwise, because
    one layer's experiment has shoppers whom another's would have.
    """
    records = [each for each in newest if each.started_ms is not None]
    latest = max((each.time_ms for each in records), default=0)
    found = [
        Tried(
            name=each.name,
            salt=each.salt,
            layer=each.layer,
            first=each.first or 0,
            after=each.after or 0,
            holdout=each.holdout,
            started_ms=each.started_ms or 0,
            stopped_ms=each.stopped_ms,
        )
        for each in records
        if each.stopped_ms is None or each.stopped_ms >= latest - REMEMBERED_MS
    ]
    if not any(each.holdout for each in found):
        return ()
    return tuple(sorted(found, key=lambda each: (each.started_ms, each.name)))


class TrialGroups:
    """Groups by intent to treat, at any time. `own` is the settings' holdout: whom it holds out is in no experiment."""

    def __init__(self, own: Holdout | None, trials: Sequence[Tried]) -> None:
        self._own, self._trials = own, trials
        ends = {0, *(each.started_ms for each in trials)}
        ends |= {each.stopped_ms for each in trials if each.stopped_ms is not None}
        self._begun_ms = sorted(ends)
        self._claims: list[Claims[Tried] | None] = [None] * len(self._begun_ms)

    def __bool__(self) -> bool:
        return bool(self._trials)

    def of(self, user_id: str, at_ms: int) -> tuple[str, bool] | None:
        """The experiment that had the shopper then, and whether it held them out; None without one that holds out
        anybody.
        """
        place = max(0, bisect_right(self._begun_ms, at_ms) - 1)
        claims = self._claims[place]
        if claims is None:
            claims = self._claims[place] = Claims(each for each in self._trials if _ran(each, self._begun_ms[place]))
        if not claims or (self._own is not None and held_out(self._own, user_id)):
            return None
        whose = claims.whose(user_id)
        if whose is None or not whose.holdout or (self._own is not None and whose.name == self._own.name):
            # The settings' own groups have the cells of their name.
            return None
        return whose.name, is_held_out(whose, user_id)


def _ran(each: Tried, at_ms: int) -> bool:
    return each.started_ms <= at_ms and (each.stopped_ms is None or at_ms < each.stopped_ms)
