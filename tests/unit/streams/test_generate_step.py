"""generate's worker on a writer that writes what it is told: what is written, what is dropped, what stays open."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from schemas.copy import CopyKey, CopyRequest, CopyVerdict, PoolEntry
from schemas.ports import TextRequest, WrittenText
from streams.generate.setup import GenerateSetup, GenerateTopics
from streams.generate.step import GenerateWorker
from streams.kafka.records import Out, Record

NOW_MS = 1_780_000_000_000
BUNDLE = "b" * 64


class Scripted:
    """Writes one text per request; the first `failures` texts of a product fail their checks."""

    bundle_sha256, bundle_name, provider = BUNDLE, "scripted", "none"

    def __init__(self, text: str = "{NAME} for {PRICE}.", failures: int = 0) -> None:
        self.text, self.failures = text, failures
        self.asked: list[TextRequest] = []

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        texts = []
        for request in requests:
            tried = sum(each.product_id == request.product_id for each in self.asked)
            self.asked.append(request)
            codes = ("copy_claim",) if tried < self.failures else ()
            texts.append(WrittenText(slot_text=self.text, codes=codes, tokens=7, ms=1.5, prompt_id="p"))
        return texts


class Rig:
    def __init__(self, bench: Any, writer: Scripted, brake: Any) -> None:
        setup = GenerateSetup(topics=GenerateTopics("requests", "copy", "review", "dlq"), channel="push", max_chars=120)
        self.states = bench.states
        self.worker = GenerateWorker(setup, bench.states, writer, bench.metrics, lambda: NOW_MS, brake)
        self.writer, self.metrics = writer, bench.metrics
        self.offset = 0

    def ask(self, product_id: str = "p1", age_ms: int = 0, variant: str = "warm") -> Record:
        request = CopyRequest(
            product_id=product_id,
            segment="new",
            variant=variant,
            channel="push",
            locale="en",
            tone="warm",
            cta="shop",
            length="short",
            requested_ms=NOW_MS - age_ms,
            decision_id="d",
        )
        self.offset += 1
        return Record("requests", 0, self.offset, NOW_MS - age_ms, b"k", msgspec.json.encode(request))

    def run(self, *records: Record) -> dict[str, list[Out]]:
        outs: dict[str, list[Out]] = {}
        for out in self.worker.step(records).outs:
            outs.setdefault(out.topic, []).append(out)
        self.worker.committed(records)
        return outs

    def outcomes(self) -> dict[str, float]:
        return {
            key[2]: n for key, n in self.metrics.counts.items() if key[0] == "patter_generation_requests_total" and n
        }


@pytest.fixture
def rig(bench: Any) -> Callable[..., Rig]:
    from streams.dlq import RejectBrake

    return lambda writer=None: Rig(bench, writer or Scripted(), RejectBrake(100, 0.9, 1000))


def test_a_price_is_left_open_and_the_entry_is_keyed_by_its_key(rig: Callable[..., Rig]) -> None:
    (out,) = rig().run(rig().ask())["copy"]
    entry = msgspec.json.decode(out.value or b"", type=PoolEntry)
    assert entry.candidates[0].slot_text == "{NAME} for {PRICE}."
    assert "19.99" not in (out.value or b"").decode()
    assert CopyKey.parse((out.key or b"").decode()) == entry.key()
    assert entry.candidates[0].bundle_sha256 == BUNDLE


def test_equal_texts_of_one_bundle_have_one_name(rig: Callable[..., Rig]) -> None:
    made = rig()
    made.states.catalogue["p2"] = made.states.catalogue["p1"]
    outs = made.run(made.ask("p1"), made.ask("p2"))["copy"]
    ids = {msgspec.json.decode(out.value or b"", type=PoolEntry).candidates[0].copy_id for out in outs}
    assert len(outs) == 2
    assert len(ids) == 1


def test_what_needs_no_writing_is_dropped_and_counted(rig: Callable[..., Rig]) -> None:
    made = rig()
    made.run(
        made.ask(), made.ask(), made.ask("nobody"), made.ask(age_ms=600_001), made.ask(age_ms=600_000, variant="bold")
    )
    made.run(made.ask())
    assert made.outcomes() == {"written": 2, "coalesced": 1, "product_unknown": 1, "expired": 1, "answered": 1}
    assert len(made.writer.asked) == 2


def test_a_failing_text_is_written_again_with_another_seed_and_every_failure_is_on_record(
    rig: Callable[..., Rig],
) -> None:
    made = rig(Scripted(failures=2))
    outs = made.run(made.ask())
    assert len({request.seed for request in made.writer.asked}) == 3
    verdicts = [msgspec.json.decode(out.value or b"", type=CopyVerdict) for out in outs["review"]]
    assert [verdict.codes for verdict in verdicts] == [["copy_claim"], ["copy_claim"]]
    assert msgspec.json.decode(outs["copy"][0].value or b"", type=PoolEntry).candidates[0].tries == 3


def test_a_request_that_cannot_be_met_stays_a_miss(rig: Callable[..., Rig]) -> None:
    made = rig(Scripted(failures=9))
    assert "copy" not in made.run(made.ask())
    made.run(made.ask())
    assert len(made.writer.asked) == 6


def test_the_same_request_is_written_alike_after_a_roll_back(rig: Callable[..., Rig]) -> None:
    made = rig()
    record = made.ask()
    first = made.worker.step([record]).outs
    made.worker.aborted()
    assert made.worker.step([record]).outs == first


def test_a_request_that_does_not_decode_goes_to_the_dlq_with_its_bytes(rig: Callable[..., Rig]) -> None:
    made = rig()
    bad = Record("requests", 0, 99, NOW_MS, b"k", b'{"product_id":1}')
    outs = made.run(bad, made.ask())
    assert outs["dlq"][0].value == bad.value
    assert dict(outs["dlq"][0].headers)["patter-stage"] == b"generate"
    assert len(outs["copy"]) == 1


def test_a_worker_that_takes_over_waits_until_it_has_seen_the_pool_as_it_stood(rig: Callable[..., Rig]) -> None:
    made = rig()
    made.states.known_ms = NOW_MS - 1
    made.worker.assigned({0: 0})
    assert not made.worker.ready()
    made.states.known_ms = NOW_MS
    assert made.worker.ready()


def test_the_facts_of_the_product_are_what_the_writer_gets(rig: Callable[..., Rig]) -> None:
    made = rig()
    made.run(made.ask())
    assert made.writer.asked[0].facts["NAME"] == "Trail Mug"
    assert made.writer.asked[0].max_chars == 120
    assert json.dumps(dict(made.writer.asked[0].facts)).count("19.99") == 1


def test_a_separator_in_a_product_id_does_not_break_the_key_of_a_verdict(rig: Callable[..., Rig]) -> None:
    made = rig(Scripted(failures=1))
    made.states.catalogue["a|b"] = made.states.catalogue["p1"]
    (out,) = made.run(made.ask("a|b"))["review"]
    assert CopyKey.parse((out.key or b"").decode()).product_id == "a|b"
