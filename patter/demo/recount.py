"""What a run did, recounted from its topics alone.

Nothing here comes from a counter of a process: every event is judged anew from the input log, and held against the
decisions and dead letters that stand on the topics. Records of different topics may come in any order; those of one
partition come in the order of their offsets.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from inference.decide.hashing import decision_id
from patter.demo.recount_decisions import DecisionSums, answer_of, bits
from patter.demo.recount_letters import Letters
from patter.demo.recount_places import Places
from patter.demo.recount_pool import PoolCount
from patter.demo.recount_record import Place, Record, listed
from patter.demo.recount_sections import PlaceSums
from patter.demo.recount_verdicts import Judge
from schemas.agents import AgentRules
from schemas.errors import Code
from schemas.topics import BY_LOGICAL

WARM_AFTER_S = 20.0
_MISCOUNT = Code.MISCOUNT.value


class Rules(Struct, frozen=True, kw_only=True):
    """What decides which events ask for a decision: settings of the run. `window` is in offsets."""

    tenant: str
    triggers: Collection[str]
    agents: AgentRules
    window: int
    events_topic: str = BY_LOGICAL["events"].name


class Recount:
    """Folds records of every topic. `begin` is topic -> partition -> the first offset of this run; 0 where it is not
    named.

    Records before that are not of this run: events then only tell which ids had stood already (feed at least
    `rules.window` offsets of them), copy only what the pool held; others are passed over.
    """

    def __init__(self, rules: Rules, begin: Mapping[str, Mapping[int, int]] | None = None) -> None:
        self._rules, self._begin = rules, begin or {}
        self._judge = Judge(rules.triggers, rules.agents, rules.window)
        self._places = Places()
        self._letters = Letters(rules.events_topic)
        self._pool = PoolCount()
        self._sums = DecisionSums()
        self._doubled: list[Place] = []
        self._misnamed: list[Place] = []
        self._undecodable = self._foreign = self._events = self._before = 0

    def event(self, record: Record) -> None:
        """A record of the input log."""
        verdict, name, rejection = self._judge.judge(record.partition, record.offset, record.value, record.timestamp_ms)
        if not self._of_run(record):
            return
        self._events += 1
        if rejection is not None:
            self._letters.reject(record, rejection.code)
        page, index = self._places.at(record.partition, record.offset)
        page.verdicts[index] = verdict
        page.due_ms[index] = record.timestamp_ms
        page.event_ids[index] = hash(name)

    def decision(self, record: Record, seen_ms: float | None = None) -> None:
        """A decision; `seen_ms` is when a reader saw it, in ms since the epoch, where that was noted."""
        if not self._of_run(record):
            return
        answer = answer_of(record.value)
        if answer is None:
            self._undecodable += 1
            return
        place = Place(answer.event.partition, answer.event.offset)
        if answer.event.topic != self._rules.events_topic:
            self._foreign += 1
            return
        if place.offset < self._begin_of(answer.event.topic, place.partition):
            self._before += 1
            return
        page, index = self._places.at(place.partition, place.offset)
        if page.answers[index]:
            self._doubled.append(place)
            return
        page.answers[index] = bits(answer)
        page.decided_ids[index] = hash(answer.event_id)
        if seen_ms is not None:
            page.seen_ms[index] = seen_ms
        if answer.decision_id != decision_id(self._rules.tenant, answer.event_id).hex():
            self._misnamed.append(place)
        self._sums.add(answer)

    def copy(self, record: Record) -> None:
        """A record of the pool."""
        self._pool.copy(record, run=self._of_run(record))

    def review(self, record: Record) -> None:
        """A text that was not admitted."""
        if self._of_run(record):
            self._pool.review(record)

    def request(self, record: Record) -> None:
        """A request for copy."""
        if self._of_run(record):
            self._pool.request(record)

    def dlq(self, record: Record) -> None:
        """A dead letter."""
        if self._of_run(record):
            self._letters.letter(record)

    def result(
        self,
        delays_ms: Sequence[float] | None = None,
        *,
        warm_after_s: float = WARM_AFTER_S,
        doubles_fail: bool = True,
    ) -> dict[str, object]:
        """The sections serve, dlq, render, pool, generate, event_to_decision_ms, features, copies, and `failures`.

        `delays_ms` are the delays that a reader measured; without them they are reckoned from `seen_ms` and the event's
        Kafka timestamp. `doubles_fail` is False where delivery is at_least_once: a decision that stands twice under one
        id is then counted (`serve.doubled`) and no failure.
        """
        sums = PlaceSums(self._places, warm_after_s)
        serve = {
            "events_in": self._events,
            "decisions": sums.decisions,
            "duplicates": sums.duplicates,
            "not_trigger": sums.not_trigger,
            "suppressed": sums.suppressed,
            "dlq": self._letters.matched(),
            "pending": len(sums.pending),
            "holdout": sums.holdout,
            "doubled": len(self._doubled),
            "of_earlier_events": self._before,
        }
        generate = self._pool.generate()
        return {
            "serve": serve,
            "dlq": {"records": self._letters.records, "by_code": dict(sorted(self._letters.by_code.items()))},
            "render": {**sums.render(), "by_override": self._sums.overrides()},
            "pool": self._sums.lookups(self._pool.entries(), self._pool.requests),
            "generate": {**generate, "bundle_sha256": generate["bundle_sha256"] or self._sums.bundle},
            "event_to_decision_ms": sums.delays(delays_ms),
            "features": self._sums.features(),
            "copies": self._sums.samples.copies(),
            "failures": list(self._failures(sums, serve, doubles_fail=doubles_fail)),
        }

    def _failures(self, sums: PlaceSums, serve: Mapping[str, int], *, doubles_fail: bool) -> Iterator[str]:
        topic = self._rules.events_topic
        if sums.pending:
            count = len(sums.pending)
            shown = listed(topic, sums.pending, count)
            yield f"{Code.PENDING.value}: {count} events that ask for a decision have none ({shown})"
        doubled = self._doubled if doubles_fail else []
        for places, what in (
            (doubled, "decisions stand twice"),
            (sums.unasked, "decisions are of events that ask for none"),
            (sums.unread, "decisions are of offsets where no event stands"),
            (sums.confused, "decisions name another event than stands at their offset"),
            (self._misnamed, "decisions have an id that does not follow from their event's"),
        ):
            if places:
                yield f"{_MISCOUNT}: {len(places)} {what} ({listed(topic, places, len(places))})"
        yield from self._letters.failures(dict(self._begin.get(topic, {})), doubles_fail=doubles_fail)
        if self._foreign:
            yield f"{_MISCOUNT}: {self._foreign} decisions are of another topic than {topic}"
        unread = self._undecodable + self._pool.undecodable
        if unread:
            yield f"{_MISCOUNT}: {unread} records of decisions or copy do not decode"
        parts = ("decisions", "duplicates", "not_trigger", "suppressed", "dlq")
        accounted = sum(serve[part] for part in parts)
        if serve["events_in"] != accounted:
            told = " + ".join(f"{part} {serve[part]}" for part in parts)
            yield f"{_MISCOUNT}: events_in {serve['events_in']} is not {accounted} = {told}"

    def _begin_of(self, topic: str, partition: int) -> int:
        return self._begin.get(topic, {}).get(partition, 0)

    def _of_run(self, record: Record) -> bool:
        return record.offset >= self._begin_of(record.topic, record.partition)
