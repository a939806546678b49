"""Pool, catalogue, policy, codes and experiments together, fed by one reader.

A record that does not decode is counted and skipped: the topics are written by Patter and by the shop's catalogue feed,
and one bad product must not take the others down.
"""

from collections.abc import Mapping

import msgspec
import structlog
from msgspec import Struct, structs

from inference.decide.facts import Facts, facts_of
from inference.decide.policy import Policy
from schemas.catalog import Product
from schemas.copy import CopyKey, PoolEntry
from schemas.curation import CopyRuling, Creativity
from schemas.experiments import ExperimentRecord
from schemas.policies import PolicySnapshot
from schemas.ports import Metrics
from schemas.retirements import Retirement
from schemas.token import CodeName
from streams.broadcast.curation import Curation
from streams.broadcast.experiments import Experiments
from streams.broadcast.pool import Pool
from streams.broadcast.reader import BroadcastReader
from streams.kafka.records import Record

log = structlog.get_logger("patter.streams.states")

_product = msgspec.json.Decoder(Product)
_entry = msgspec.json.Decoder(PoolEntry)
_policy = msgspec.json.Decoder(PolicySnapshot)
_code = msgspec.json.Decoder(CodeName)
_ruling = msgspec.json.Decoder(CopyRuling)
_experiment = msgspec.json.Decoder(ExperimentRecord)
_retirement = msgspec.json.Decoder(Retirement)
_creativity = msgspec.json.Decoder(Creativity)


class StateTopics(Struct, frozen=True):
    """The names of the topics; what a role does not need it leaves out."""

    catalog: str
    copy: str
    policy: str | None = None
    codes: str | None = None
    rulings: str | None = None
    creativity: str | None = None
    retirements: str | None = None
    experiments: str | None = None

    def names(self) -> dict[str, str]:
        """State -> topic, of those that are read."""
        return {state: topic for state, topic in structs.asdict(self).items() if topic}


class States:
    """What a worker knows besides the batch. Changes only in `swap`, between batches.

    `catalogue_version` counts the changes of the catalogue.
    """

    def __init__(self, reader: BroadcastReader, topics: StateTopics, pool: Pool, metrics: Metrics, role: str) -> None:
        self._reader, self._topics, self._metrics, self._role = reader, topics, metrics, role
        self.pool = pool
        self.catalogue: dict[str, Facts] = {}
        self._changed: set[str] = set()
        self.catalogue_version = 0
        self.policy: Policy | None = None
        self.codes: dict[int, str] = {}
        self.curation = Curation()
        self.experiments = Experiments()
        handlers = {
            "catalog": self._product,
            "copy": self._copy,
            "policy": self._policy,
            "codes": self._code,
            "rulings": self._ruling,
            "creativity": self._weight,
            "retirements": self._retirement,
            "experiments": self._experiment,
        }
        self._apply = {topic: handlers[state] for state, topic in topics.names().items()}

    def swap(self) -> int:
        """Take what arrived since the last call; answers how many records that were."""
        records = self._reader.drain()
        for record in records:
            try:
                self._apply[record.topic](record)
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
                self._metrics.add("patter_dlq_records_total", role=self._role, code="undecodable")
                log.warning("state record skipped", topic=record.topic, offset=record.offset, error=str(error))
        return len(records)

    def take_changed(self) -> frozenset[str]:
        """The products whose record or texts have changed since the last call."""
        changed, self._changed = self._changed, set()
        return frozenset(changed | self.pool.take_changed())

    def whole(self) -> bool:
        """Whether every state was seen whole once."""
        return all(self._reader.whole_ms(topic) is not None for topic in self._apply)

    def catalogue_ms(self) -> int:
        """The moment up to which the catalogue is known; 0 before it is."""
        return self._reader.whole_ms(self._topics.catalog) or 0

    def copy_ms(self) -> int:
        """The moment up to which the pool is known; 0 before it is."""
        return self._reader.whole_ms(self._topics.copy) or 0

    def ages(self, now_ms: int) -> Mapping[str, float]:
        """Seconds since each state was known whole."""
        moments = {state: self._reader.whole_ms(topic) for state, topic in self._topics.names().items()}
        return {name: (now_ms - moment) / 1000 for name, moment in moments.items() if moment is not None}

    def _product(self, record: Record) -> None:
        key = (record.key or b"").decode()
        self.catalogue_version += 1
        if not record.value:
            self.catalogue.pop(key, None)
            self._changed.add(key)
            return
        product = _product.decode(record.value)
        self._changed.add(product.product_id)
        self.catalogue[product.product_id] = facts_of(product)

    def _copy(self, record: Record) -> None:
        key = CopyKey.parse((record.key or b"").decode())
        self.pool.apply(key, _entry.decode(record.value) if record.value else None)

    def _policy(self, record: Record) -> None:
        if record.value:
            snapshot = _policy.decode(record.value)
            if self.policy is None or snapshot.version > self.policy.version:
                self.policy = Policy(snapshot)

    def _code(self, record: Record) -> None:
        if record.value:
            entry = _code.decode(record.value)
            self.codes[entry.code] = entry.name

    def _ruling(self, record: Record) -> None:
        if record.value:
            self.curation.rule(_ruling.decode(record.value))

    def _weight(self, record: Record) -> None:
        if record.value:
            self.curation.weigh(_creativity.decode(record.value))

    def _retirement(self, record: Record) -> None:
        if record.value:
            self.curation.retired.take(_retirement.decode(record.value))

    def _experiment(self, record: Record) -> None:
        if record.value:
            self.experiments.take(_experiment.decode(record.value))
