"""Hand-made topics of a run, for the tests of the recount."""

from collections.abc import Callable
from typing import Any

import msgspec

from inference.decide.hashing import decision_id
from patter.demo.recount import Recount, Rules
from schemas.agents import rules_of_parts
from schemas.copy import Candidate, CopyVerdict, PoolEntry
from schemas.decode import Rejection, decode_event
from streams.dlq import letter
from streams.kafka.dump import DumpRecord
from streams.kafka.records import Record

EVENTS, DECISIONS, DLQ = "patter.events.v1", "patter.decisions.v1", "patter.dlq.v1"
COPY, REQUESTS, REVIEW = "patter.copy.v1", "patter.copy.requests.v1", "patter.copy.review.v1"
START_MS = 1_790_000_000_000
RULES = Rules(
    tenant="acme", triggers=("product_viewed", "cart_added", "list_viewed"), agents=rules_of_parts("bot"), window=100
)
SUM = ("decisions", "duplicates", "not_trigger", "suppressed", "dlq")


class Run:
    """Topics as lists; the right answers are written beside each event, and then spoilt by the tests."""

    def __init__(self) -> None:
        self.events: list[DumpRecord] = []
        self.decisions: list[DumpRecord] = []
        self.dlq: list[DumpRecord] = []
        self.copy: list[DumpRecord] = []
        self.requests: list[DumpRecord] = []
        self.review: list[DumpRecord] = []
        self.begin: dict[str, dict[int, int]] = {}

    def event(self, name: str, at_s: float = 0.0, partition: int = 0, **fields: Any) -> DumpRecord:
        body = {"kind": "product_viewed", "event_id": name, "user_id": "u", "product_id": "p", **fields}
        body.setdefault("time", "2026-09-21T14:13:20Z")
        return self.raw(msgspec.json.encode({k: v for k, v in body.items() if v is not None}), at_s, partition)

    def raw(self, value: bytes | None, at_s: float = 0.0, partition: int = 0) -> DumpRecord:
        offset = sum(each.partition == partition for each in self.events)
        record = DumpRecord(EVENTS, partition, offset, START_MS + int(at_s * 1000), b"u", value)
        self.events.append(record)
        return record

    def decide(self, event: DumpRecord, **fields: Any) -> None:
        name = msgspec.json.decode(event.value or b"")["event_id"]
        body = {
            "decision_id": decision_id("acme", name).hex(),
            "event_id": name,
            "product_id": "p",
            "action": "show",
            "segment": "new",
            "eligible": {"template": 0.5, "warm": 0.5},
            "ineligible": {"bold": "pool_miss"},
            "copy_id": "c",
            "source": "model",
            "text": "Meet Trail Mug.",
            "shown": "warm",
            "override": None,
            "features": {"user_profile": {"orders_90d": 3, "tier": None}, "product_catalog": {}},
            "feature_states": {"user_profile": "fresh", "product_catalog": "missing"},
            "bundle_sha256": "b",
            "event": {"topic": EVENTS, "partition": event.partition, "offset": event.offset},
            **fields,
        }
        self.decisions.append(self._next(self.decisions, DECISIONS, msgspec.json.encode(body), b"u"))

    def bury(self, event: DumpRecord) -> None:
        verdict = decode_event(event.value, event.timestamp_ms)
        assert isinstance(verdict, Rejection)
        record = Record(EVENTS, event.partition, event.offset, event.timestamp_ms, event.key, event.value)
        out = letter(DLQ, record, "serve", verdict)
        self.dlq.append(DumpRecord(DLQ, 0, len(self.dlq), START_MS, out.key, out.value, out.headers))

    def _next(self, topic: list[DumpRecord], name: str, value: bytes | None, key: bytes, at_ms: int = 0) -> DumpRecord:
        return DumpRecord(name, 0, len(topic), START_MS + at_ms, key, value)

    def pool(self, key: str, *copy_ids: str, at_ms: int = 0, tokens: int = 20, ms: float = 100.0) -> None:
        candidates = [
            Candidate(copy_id=name, slot_text="{NAME}", bundle_sha256="b2", tokens=tokens, ms=ms) for name in copy_ids
        ]
        entry = PoolEntry(
            product_id="p", segment="new", variant=key, channel="push", locale="en", candidates=candidates
        )
        value = msgspec.json.encode(entry) if copy_ids else None
        self.copy.append(self._next(self.copy, COPY, value, key.encode(), at_ms))

    def ask(self, key: str, at_ms: int) -> None:
        self.requests.append(self._next(self.requests, REQUESTS, b"{}", key.encode(), at_ms))

    def turn_down(self, key: str, *codes: str, at_ms: int = 0) -> None:
        verdict = CopyVerdict(
            product_id="p",
            segment="new",
            variant=key,
            channel="push",
            locale="en",
            copy_id="x",
            slot_text="",
            verdict="rejected",
            codes=list(codes),
            bundle_sha256="b2",
            prompt_id="",
            tokens=5,
            ms=40.0,
        )
        self.review.append(self._next(self.review, REVIEW, msgspec.json.encode(verdict), key.encode(), at_ms))

    def count(self, **options: Any) -> dict[str, Any]:
        recount = Recount(RULES, self.begin)
        # Decisions first: the order between topics must not matter.
        for records, fold in (
            (self.decisions, recount.decision),
            (self.dlq, recount.dlq),
            (self.events, recount.event),
            (self.copy, recount.copy),
            (self.requests, recount.request),
            (self.review, recount.review),
        ):
            each: Callable[[Any], None] = fold  # type: ignore[assignment]
            for record in records:
                each(record)
        return recount.result(**options)  # type: ignore[return-value]
