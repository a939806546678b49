"""Which arm a shopper is in: functions of names alone, which anybody can compute again at any time.

A layer is a hash of the shopper into buckets. Experiments of one layer hold different buckets, so no shopper is in two
of them; layers hash apart from each other, and an experiment's arms apart from its layer, so what one does falls on
all arms of another alike (Tang, Agarwal, O'Brien and Meyer 2010, doi 10.1145/1835804.1835810).
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from inference.decide.hashing import unit
from schemas.experiments import CONTROL, LAYER_BUCKETS, ExperimentRecord

_NOBODY = -1


class Placement(Struct, frozen=True):
    """A shopper's place in an experiment that runs: the arm, or None for a shopper who is held out of it."""

    experiment: ExperimentRecord
    arm: str | None

    @property
    def held_out(self) -> bool:
        """Whether the shopper sees no copy for this experiment's sake."""
        return self.arm is None

    @property
    def shown_arm(self) -> str | None:
        """The arm whose recipe is shown: under A/A the control's, whichever arm the shopper counts for."""
        return CONTROL if self.arm is not None and self.experiment.mode == "aa" else self.arm


def layer_of(layer: str, user_id: str) -> int:
    """The shopper's bucket of a layer, 0 to LAYER_BUCKETS - 1."""
    return int(unit("layer", layer, user_id) * LAYER_BUCKETS)


def takes_part(experiment: ExperimentRecord, user_id: str) -> bool:
    """Whether the experiment runs and the shopper's bucket is one of its own."""
    if experiment.state != "running" or experiment.first is None or experiment.after is None:
        return False
    return experiment.first <= layer_of(experiment.layer, user_id) < experiment.after


def arm_of(experiment: ExperimentRecord, user_id: str) -> str | None:
    """The shopper's arm; None for one who takes no part or is held out. For mode `adaptive` the policy draws instead.

    Neither version nor state goes into the hash: a shopper keeps the arm for as long as name and salt stay.
    """
    if not takes_part(experiment, user_id) or is_held_out(experiment, user_id):
        return None
    return _drawn(experiment, user_id)


def placements(running: Iterable[ExperimentRecord], user_id: str) -> tuple[Placement, ...]:
    """The shopper's place in every experiment that has one for them: at most one of a layer, in the order given."""
    found: dict[str, Placement] = {}
    for experiment in running:
        if experiment.layer not in found and takes_part(experiment, user_id):
            arm = None if is_held_out(experiment, user_id) else _drawn(experiment, user_id)
            found[experiment.layer] = Placement(experiment, arm)
    return tuple(found.values())


class Bucketed(Protocol):
    """What says whose a shopper is: a part of a layer, and a hash of who is held out of it."""

    @property
    def name(self) -> str: ...
    @property
    def salt(self) -> str: ...
    @property
    def layer(self) -> str: ...
    @property
    def first(self) -> int | None: ...
    @property
    def after(self) -> int | None: ...
    @property
    def holdout(self) -> float: ...


Each = TypeVar("Each", bound=Bucketed)


class Claims(Generic[Each]):
    """Experiments that run at one time, made ready to be asked who has a shopper, at one hash a layer."""

    def __init__(self, running: Iterable[Each] = ()) -> None:
        self.running = tuple(running)
        self._layers: dict[str, array[int]] = {}
        for place, each in enumerate(self.running):
            if each.first is None or each.after is None:
                continue
            buckets = self._layers.setdefault(each.layer, array("l", [_NOBODY]) * LAYER_BUCKETS)
            for bucket in range(max(0, each.first), min(each.after, LAYER_BUCKETS)):
                # Of two with the same bucket the first in order has it, as in `placements`.
                if buckets[bucket] == _NOBODY:
                    buckets[bucket] = place

    def __bool__(self) -> bool:
        return bool(self._layers)

    def whose(self, user_id: str) -> Each | None:
        """The one experiment that decides what the shopper sees; None for one who is in none.

        A shopper has a place in one experiment of each layer, and a text can only be of one arm. Which layer has the
        shopper is a hash of the two, so it falls on all arms of the others alike, and another layer's start or stop
        moves nobody but the shoppers that it takes or leaves (rendezvous hashing: Thaler and Ravishankar 1998, doi
        10.1109/90.663936).
        """
        chosen, best = _NOBODY, -1.0
        for layer, buckets in self._layers.items():
            place = buckets[layer_of(layer, user_id)]
            if place != _NOBODY:
                claim = unit("layer claim", layer, user_id)
                if claim > best:
                    chosen, best = place, claim
        return None if chosen == _NOBODY else self.running[chosen]


class Running:
    """The experiments that run, and a shopper's arm in them."""

    def __init__(self, records: Iterable[ExperimentRecord] = ()) -> None:
        self.records = tuple(each for each in records if each.state == "running")
        self._claims = Claims(self.records)

    def __bool__(self) -> bool:
        return bool(self._claims)

    def placement(self, user_id: str) -> Placement | None:
        """The shopper's place in the experiment that has them (`Claims.whose`); None for one who is in none."""
        record = self._claims.whose(user_id)
        if record is None:
            return None
        return Placement(record, None if is_held_out(record, user_id) else _drawn(record, user_id))


def overlap(one: ExperimentRecord, other: ExperimentRecord) -> bool:
    """Whether two experiments run on the same buckets of one layer: two that were started at the same moment may."""
    if one.layer != other.layer or one.state != "running" or other.state != "running":
        return False
    return max(one.first or 0, other.first or 0) < min(one.after or 0, other.after or 0)


def is_held_out(experiment: Bucketed, user_id: str) -> bool:
    """Whether a shopper whom the experiment has sees no copy for its sake."""
    return unit("experiment holdout", experiment.salt, experiment.name, user_id) < experiment.holdout


def _drawn(experiment: ExperimentRecord, user_id: str) -> str:
    ends = list(accumulate(arm.weight for arm in experiment.arms))
    point = unit("experiment arm", experiment.salt, experiment.name, user_id) * ends[-1]
    # A product of floats may round up to the end.
    return experiment.arms[min(bisect_right(ends, point), len(ends) - 1)].name
