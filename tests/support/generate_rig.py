"""generate's worker on a writer that writes what it is told, and what tests ask of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from inference.generate.judge import Standards
from inference.text.conversion import Conversion
from schemas.copy import CopyRequest, CopyVerdict, PoolEntry
from schemas.curation import EVERYWHERE, CopyRuling, Creativity
from schemas.ports import TextRequest, WrittenText
from streams.generate.entries import Entries
from streams.generate.measure import Measure
from streams.generate.predicting import Predicting
from streams.generate.setup import GenerateSetup, GenerateTopics
from streams.generate.standards import CatalogueStandards
from streams.generate.step import GenerateWorker
from streams.kafka.records import Out, Record

NOW_MS = 1_780_000_000_000
BUNDLE = "b" * 64
# What the model of conversion says of a text; it knows no other.
P_CONV = {"{NAME} for {PRICE}, dull.": 0.7, "{NAME} for {PRICE}, bright and early.": 0.5}


class Scripted:
    """Writes one text per request, where VARIANT is the variant's name; the first `failures` of a product fail."""

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
            text = self.text.replace("VARIANT", request.variant)
            texts.append(WrittenText(slot_text=text, codes=codes, tokens=7, ms=1.5, prompt_id="p"))
        return texts


class Rig:
    def __init__(
        self,
        bench: Any,
        writer: Scripted,
        brake: Any,
        standards: Standards,
        conversion: Conversion | None = None,
        **setup: Any,
    ) -> None:
        self.setup = GenerateSetup(
            topics=GenerateTopics("requests", "copy", "review", "dlq"), channel="push", partitions=1, **setup
        )
        self.states = bench.states
        self.pool = self.states.pool = Entries("push", "en", BUNDLE)
        self.offset, self.now_ms = 0, NOW_MS
        self.predicting = Predicting(conversion, lambda: self.now_ms)
        measure = Measure(
            bundle_sha256=BUNDLE,
            predict=self.predicting.predict if conversion else lambda slot_text, _: P_CONV.get(slot_text),
            active=self.setup.active,
            usual=self.setup.creativity,
        )
        held_to = CatalogueStandards(standards, measure, self.pool, self.states, lambda: self.now_ms)
        self.worker = GenerateWorker(
            self.setup,
            self.pool,
            self.states,
            writer,
            held_to,
            bench.metrics,
            lambda: self.now_ms,
            brake,
            self.predicting,
        )
        self.writer, self.metrics = writer, bench.metrics
        self.worker.assigned({0: 0})
        self.worker.idle()

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


def codes_in(outs: dict[str, list[Out]]) -> list[list[str]]:
    return [msgspec.json.decode(out.value or b"", type=CopyVerdict).codes for out in outs.get("review", [])]


def texts_in(outs: dict[str, list[Out]]) -> list[str]:
    entries = [msgspec.json.decode(out.value or b"", type=PoolEntry) for out in outs.get("copy", [])]
    return [candidate.slot_text for entry in entries for candidate in entry.candidates]


class Numbered(Scripted):
    """Writes the next of its texts at every call, whatever is asked."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.texts = list(texts)

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        self.asked.extend(requests)
        return [WrittenText(slot_text=self.texts.pop(0), codes=(), tokens=7, ms=1.5, prompt_id="p") for _ in requests]


DULL, BRIGHT, THIRD = "{NAME} for {PRICE}, dull.", "{NAME} for {PRICE}, bright and early.", "Shop {NAME}."


def entry_in(outs: dict[str, list[Out]]) -> PoolEntry:
    return msgspec.json.decode(outs["copy"][-1].value or b"", type=PoolEntry)


def states_of(entry: PoolEntry) -> dict[str, str]:
    return {candidate.slot_text: candidate.state for candidate in entry.candidates}


def filled(made: Rig, *records: Record) -> PoolEntry:
    """What a key holds once nothing more is wanted for it."""
    outs = made.run(*records)
    while made.worker.wants():
        outs = made.run() or outs
    (entry,) = {id(entry): entry for key in made.pool.keys(lambda _: True) if (entry := made.pool.entry(key))}.values()
    return entry


def weigh(made: Rig, creativity: float | None, category: str = EVERYWHERE) -> dict[str, list[Out]]:
    made.states.curation.weigh(
        Creativity(category=category, creativity=creativity, time_ms=NOW_MS, by="ann", why="a try")
    )
    made.worker.idle()
    return made.run() if made.worker.wants() else {}


def rule(made: Rig, entry: PoolEntry, slot_text: str, ruling: Any) -> dict[str, list[Out]]:
    (text,) = [each for each in entry.candidates if each.slot_text == slot_text]
    made.states.curation.rule(
        CopyRuling(
            copy_id=text.copy_id,
            ruling=ruling,
            product_id=entry.product_id,
            segment=entry.segment,
            variant=entry.variant,
            channel=entry.channel,
            locale=entry.locale,
            slot_text=slot_text,
            bundle_sha256=BUNDLE,
            time_ms=NOW_MS,
            by="ann",
            why="said so",
        )
    )
    made.worker.idle()
    return made.run() if made.worker.wants() else {}


class Stubborn(Scripted):
    """Writes the same sentence again and again, in other dress, and now and then another."""

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        dresses = [DULL, DULL.replace("dull", "DULL"), DULL.replace(".", "!"), DULL.replace(" for", "  for"), BRIGHT]
        first = len(self.asked)
        self.asked.extend(requests)
        return [
            WrittenText(slot_text=dresses[(first + n) % 5], codes=(), tokens=7, ms=1.5, prompt_id="p")
            for n in range(len(requests))
        ]
