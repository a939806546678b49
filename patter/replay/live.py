"""What would be decided now: the records' events, with what store, catalogue, pool and policy say at this moment."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from features.store.start import open_reader
from inference.bundle import load_bundle
from patter.replay.inputs import Inputs, inputs_of, trigger_of
from patter.replay.live_result import OUTCOMES, LiveResult
from patter.replay.rules import ReplayRules, replay_rules
from patter.replay.sources import dumped, published
from patter.replay.world import recorded_row
from patter.settings import Settings
from patter.wiring.bundle import bundle_path
from patter.wiring.features import feature_options
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from schemas.errors import Code, LackingError
from schemas.ports import FeatureReader, FeatureValue
from streams.broadcast.pool import Pool
from streams.broadcast.reader import BroadcastReader
from streams.broadcast.states import States, StateTopics
from streams.kafka.dump_lines import DumpRecord
from streams.serve.codes import Codes
from streams.serve.decide import Decider
from streams.serve.tally import Tally
from streams.serve.world import World, stamp_of

WHOLE_S = 60.0
BATCH = 500


class Silent:
    """Metrics that nobody reads."""

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        """See Metrics."""

    def set(self, name: str, value: float, **labels: str) -> None:
        """See Metrics."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """See Metrics."""


class _Outcome(Struct):
    segment: str
    action: str
    experiment: str
    experiment_version: int
    arm: str | None
    text: str | None
    eligible: dict[str, float]
    ineligible: dict[str, str]
    policy_version: int
    catalogue: msgspec.Raw


_outcome = msgspec.json.Decoder(_Outcome).decode


def replay_live(settings: Settings, records: Path | None) -> LiveResult:
    """Decide the events of a file's records, or of the broker's, with what is known now.

    Raises ConfigError where the file is wrong, LackingError where broker, topic, bundle or feature store is not there.
    """
    rules = replay_rules(settings)
    states = follow_states(settings)
    reader = open_reader(feature_options(settings))
    try:
        found = dumped(records) if records is not None else published(settings, "decisions")
        return decide_live(found, rules, states, reader, now_ms())
    finally:
        reader.close()


def follow_states(settings: Settings) -> States:
    """Catalogue, pool, policy and experiments as they stand now.

    Raises LackingError where they cannot be read or there is no policy.
    """
    topics, options = topics_of(settings), kafka_options(settings, "patter-replay")
    names = StateTopics(
        catalog=topics["catalog"].name,
        copy=topics["copy"].name,
        policy=topics["policy"].name,
        experiments=topics["experiments"].name,
    )
    broadcast = BroadcastReader(options, list(names.names().values()), now_ms)
    pool = Pool(settings.serve.channel, settings.serve.locale, load_bundle(bundle_path(settings)).sha256)
    states = States(broadcast, names, pool, Silent(), "replay")
    broadcast.start()
    try:
        deadline = time.monotonic() + WHOLE_S
        while not states.whole():
            states.swap()
            if time.monotonic() > deadline:
                raise LackingError(Code.BROKER_UNREACHABLE, "the states were not read in time", where=options.bootstrap)
            time.sleep(0.02)
        states.swap()
    finally:
        broadcast.close()
    if states.policy is None:
        raise LackingError(Code.PENDING, "no policy has been published", hint="patter policy set")
    return states


def decide_live(
    records: Iterable[DumpRecord], rules: ReplayRules, states: States, reader: FeatureReader, at_ms: int
) -> LiveResult:
    """Decide the events of `records` as if they came at `at_ms`, and say what has changed since."""
    result = LiveResult()
    setup = msgspec.structs.replace(rules.setup, views=tuple(reader.views))
    decider = Decider(setup, Codes({}))
    decider.place(states.experiments.running())
    assert states.policy is not None
    world = World(at_ms, states.catalogue, states.pool, stamp_of(states.policy, None, price_known=True), frozenset())
    for batch in _batches(_readable(records, result)):
        triggers = [trigger for each in batch if (trigger := trigger_of(each, at_ms)) is not None]
        known = decider.look_up(triggers, reader, at_ms)
        values: list[bytes] = []
        decider.begin(world)
        decider.decide(triggers, known, Tally(), lambda _topic, value, _key, to=values: to.append(value), lambda: None)
        for inputs, value, shopper, product in zip(batch, values, known.shoppers, known.products, strict=True):
            now = {**shopper.basis.values, **product.basis.values}
            changed = _features(inputs, now)
            result.features.update(changed)
            again = _outcome(value)
            causes = set(_causes(inputs, again, states.pool))
            result.add(causes | ({"feature_changed"} if changed else set()), _fields(inputs, again))
    return result


def _readable(records: Iterable[DumpRecord], result: LiveResult) -> Iterator[Inputs]:
    for record in records:
        result.decisions += 1
        inputs = inputs_of(record.value)
        if inputs is None or trigger_of(inputs, 0) is None:
            continue
        try:
            for view in inputs.features:
                recorded_row(inputs, view)
        except msgspec.MsgspecError:
            continue
        yield inputs


def _batches(found: Iterator[Inputs]) -> Iterator[Sequence[Inputs]]:
    while batch := list(islice(found, BATCH)):
        yield batch


def _features(inputs: Inputs, now: Mapping[str, Mapping[str, FeatureValue] | None]) -> list[str]:
    """The features, as view:feature, that are known now and were not, or the other way round, or are others."""
    changed = []
    for view in dict.fromkeys((*inputs.features, *now)):
        before, after = recorded_row(inputs, view).values or {}, now.get(view) or {}
        names = dict.fromkeys((*before, *after))
        changed += [f"{view}:{name}" for name in names if before.get(name) != after.get(name)]
    return changed


def _causes(inputs: Inputs, again: _Outcome, pool: Pool) -> Iterator[str]:
    if again.segment != inputs.segment:
        yield "segment_changed"
    if again.policy_version != inputs.policy_version:
        yield "policy_changed"
    before, after = bytes(inputs.catalogue), bytes(again.catalogue)
    if before != after:
        yield "product_gone" if after == b"{}" else "product_changed"
    if (again.experiment, again.experiment_version) != (inputs.experiment, inputs.experiment_version):
        yield "experiment_changed"
    # Where an experiment assigns the arm, those that could not be shown have a share too.
    elif again.eligible.keys() - again.ineligible.keys() != inputs.eligible.keys() - inputs.ineligible.keys():
        yield "arms_changed"
    if inputs.copy_id is not None and inputs.bundle_sha256 is not None:
        texts = pool.texts.get((inputs.product_id, inputs.segment, inputs.shown or ""), ())
        if all(text.copy_id != inputs.copy_id for text in texts):
            yield "copy_gone"


def _fields(inputs: Inputs, again: _Outcome) -> set[str]:
    return {field for field in OUTCOMES if getattr(again, field) != getattr(inputs, field)}
