"""Decides again from a record, by serve's own decider, and says what differs."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from inference.decide.facts import Facts
from inference.decide.policy import Policy
from inference.decide.replay import FieldDifference, Why, differences
from patter.replay.experiments import Chosen, Ran
from patter.replay.inputs import Inputs, inputs_of, now_of, trigger_of, unfit
from patter.replay.rules import ReplayRules
from patter.replay.world import Products, RecordedReader, Texts, Views
from schemas.decisions import DecisionRead
from schemas.errors import Code
from schemas.token import unsealed
from streams.serve.codes import Codes
from streams.serve.decide import Decider
from streams.serve.gate import Trigger
from streams.serve.tally import Tally
from streams.serve.world import Stamp, World, stamp_of

Snapshots = Mapping[int, Policy | None]
"""Policies by version; None where two different snapshots have it."""

_decode = msgspec.json.Decoder(DecisionRead).decode
# One for each worker, key and model that records name, times the topics that they were read from.
_MOST_HANDS = 256


class Judged(Struct, frozen=True):
    """One record: why it could not be decided again, or where it differs. `taken` is the code that had to be taken
    from the record, see `Inputs.taken`; `verified` says that the key of its token was at hand. `mode` is that of the
    experiment (see `Chosen`), and `apart_ms` how far the decision's time lies from when it ran.
    """

    decision_id: str | None
    why: Why | None = None
    differences: tuple[FieldDifference, ...] = ()
    taken: str | None = None
    verified: bool = True
    mode: str = "settings"
    apart_ms: int = 0


class Again:
    """Decides records again, in any order, each from itself alone. Holds memos and nothing that would change an answer.

    No clock, no I/O.
    """

    def __init__(self, rules: ReplayRules, policies: Snapshots, ran: Ran) -> None:
        self._rules, self._policies, self._ran = rules, policies, ran
        self._join = dict(rules.views)
        self._products = Products()
        self._hands: dict[tuple[object, ...], _Hand] = {}
        # Records of one batch agree in it, so the next is tried with that of the last.
        self._lately = True

    def judge(self, value: bytes | None) -> Judged:
        """One record's value."""
        inputs = inputs_of(value)
        if inputs is None:
            return Judged(None, Why.UNDECODABLE)
        why = self._unfit(inputs)
        if why is not None:
            return Judged(inputs.decision_id, why)
        now_ms = now_of(inputs)
        if now_ms is None:
            return Judged(inputs.decision_id, Why.TIME_INVALID)
        chosen = self._ran.when(now_ms, inputs.user_id, (inputs.experiment, inputs.experiment_version))
        found = self._compared(inputs, value or b"", now_ms, chosen)
        if isinstance(found, Why):
            return Judged(inputs.decision_id, found)
        return Judged(
            inputs.decision_id,
            None,
            found,
            inputs.taken(chosen.mode),
            verified=_key_id(inputs) in self._rules.keys,
            mode=chosen.mode,
            apart_ms=chosen.apart_ms,
        )

    def _unfit(self, inputs: Inputs) -> Why | None:
        setup, whose = self._rules.setup, (inputs.experiment, inputs.experiment_version)
        if not self._ran.knows(*whose):
            return Why.OTHER_EXPERIMENT
        if self._ran.ambiguous(*whose):
            return Why.EXPERIMENT_AMBIGUOUS
        why = unfit(inputs, segments=setup.segment_version, place=(setup.channel, setup.locale))
        if why is not None:
            return why
        if not self._join.keys() >= inputs.features.keys():
            return Why.OTHER_FEATURES
        if self._policies.get(inputs.policy_version) is None:
            return Why.POLICY_AMBIGUOUS if inputs.policy_version in self._policies else Why.POLICY_GONE
        return None

    def _compared(self, inputs: Inputs, value: bytes, now_ms: int, chosen: Chosen) -> tuple[FieldDifference, ...] | Why:
        """The differences of the way to decide that comes nearest, which is none for a record as serve wrote it."""
        nearest: tuple[FieldDifference, ...] | None = None
        for price_known in self._ways(inputs):
            try:
                again = self._decided(inputs, now_ms, chosen, price_known=price_known)
                if isinstance(again, Why):
                    return again
                found = () if again == value else differences(_decode(value), _decode(again), self._rules.keys)
            except msgspec.MsgspecError:
                return Why.UNDECODABLE
            if not found:
                self._lately = price_known
                return ()
            self._hand(inputs, price_known=price_known).forget()
            nearest = found if nearest is None or len(found) < len(nearest) else nearest
        return nearest or ()

    def _ways(self, inputs: Inputs) -> tuple[bool, ...]:
        """Whether prices were known, which no record says: where it had a bearing, one of the two gives the record."""
        behind = Code.PRICE_BEHIND.value in inputs.ineligible.values()
        return (False,) if behind else (self._lately, not self._lately)

    def _decided(self, inputs: Inputs, now_ms: int, chosen: Chosen, *, price_known: bool) -> bytes | Why:
        trigger = trigger_of(inputs, now_ms)
        if trigger is None:
            return Why.NO_TRIGGER
        catalogue = self._products.catalogue(inputs)
        if catalogue is None:
            return Why.CATALOGUE_INVALID
        policy = self._policies[inputs.policy_version]
        assert policy is not None, "`_unfit` has seen to that"
        hand = self._hand(inputs, price_known=price_known)
        return hand.write(inputs, trigger, now_ms, catalogue, policy, chosen)

    def _hand(self, inputs: Inputs, *, price_known: bool) -> "_Hand":
        key_id = _key_id(inputs) or 0
        views = tuple((view, self._join[view]) for view in inputs.features)
        name = (inputs.event.topic, inputs.worker, inputs.conversion_version, key_id, views, price_known)
        found = self._hands.get(name)
        if found is None:
            if len(self._hands) >= _MOST_HANDS:
                self._hands.clear()
            found = self._hands[name] = _Hand(self._rules, inputs, key_id, views, price_known=price_known)
        return found


def _key_id(inputs: Inputs) -> int | None:
    token = unsealed(inputs.token)
    return None if token is None else token[0]


class _Hand:
    """serve's decider, as the worker had it that wrote the record."""

    def __init__(self, rules: ReplayRules, inputs: Inputs, key_id: int, views: Views, *, price_known: bool) -> None:
        setup = msgspec.structs.replace(
            rules.setup,
            worker=inputs.worker,
            topics=msgspec.structs.replace(rules.setup.topics, events=inputs.event.topic),
            views=views,
            key_id=key_id,
            key=rules.key(key_id),
            conversion_version=inputs.conversion_version,
        )
        self._segment_of, self._price_known = setup.segment_of, price_known
        self._reader, self._texts = RecordedReader(views), Texts(setup)
        self._codes = Codes({})
        self._decider = Decider(setup, self._codes)
        self._stamp: Stamp | None = None
        self._written = b""

    def write(
        self,
        inputs: Inputs,
        trigger: Trigger,
        now_ms: int,
        catalogue: dict[str, Facts],
        policy: Policy,
        chosen: Chosen,
    ) -> bytes:
        """The record of the event."""
        segment = self._segment_of(self._reader.hold(inputs))
        stamp = self._stamp = stamp_of(policy, self._stamp, price_known=self._price_known)
        changed = self._texts.stand(inputs, segment, stamp, catalogue, chosen.placement)
        world = World(now_ms, catalogue, self._texts.pool, stamp, frozenset((inputs.product_id,) if changed else ()))
        self._decider.place(chosen.running)
        known = self._decider.look_up([trigger], self._reader, now_ms)
        self._decider.begin(world)
        self._decider.decide([trigger], known, Tally(), self._put, _room)
        # Known from now on, as on the topic of codes.
        self._codes.commit()
        return self._written

    def forget(self) -> None:
        """The last record differs: no other is to be judged by what it said."""
        self._texts.forget()

    def _put(self, _topic: str, value: bytes, _key: bytes) -> None:
        self._written = value


def _room() -> None:
    """There always is."""
