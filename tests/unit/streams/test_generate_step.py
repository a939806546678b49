"""generate's worker on a writer that writes what it is told: what is written, what is dropped, what stays open."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from inference.decide.facts import facts_of
from inference.generate.brand import BrandRules
from inference.generate.judge import Standards
from schemas.copy import CopyKey, CopyRequest, CopyVerdict, PoolEntry
from schemas.curation import EVERYWHERE, CopyRuling, Creativity
from schemas.ports import TextRequest, WrittenText
from streams.generate.entries import Entries
from streams.generate.measure import Measure
from streams.generate.setup import GenerateSetup, GenerateTopics
from streams.generate.standards import RENEW_MS, CatalogueStandards
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
    def __init__(self, bench: Any, writer: Scripted, brake: Any, standards: Standards, **setup: Any) -> None:
        self.setup = GenerateSetup(
            topics=GenerateTopics("requests", "copy", "review", "dlq"), channel="push", partitions=1, **setup
        )
        self.states = bench.states
        self.pool = self.states.pool = Entries("push", "en", BUNDLE)
        self.offset, self.now_ms = 0, NOW_MS
        measure = Measure(
            bundle_sha256=BUNDLE,
            predict=lambda slot_text, _: P_CONV.get(slot_text),
            active=self.setup.active,
            usual=self.setup.creativity,
        )
        held_to = CatalogueStandards(standards, measure, self.pool, self.states, lambda: self.now_ms)
        self.worker = GenerateWorker(
            self.setup, self.pool, self.states, writer, held_to, bench.metrics, lambda: self.now_ms, brake
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


@pytest.fixture
def rig(bench: Any) -> Callable[..., Rig]:
    from streams.dlq import RejectBrake

    def made(writer: Scripted | None = None, standards: Standards | None = None, **setup: Any) -> Rig:
        return Rig(bench, writer or Scripted(), RejectBrake(100, 0.9, 1000), standards or Standards(), **setup)

    return made


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
    made = rig(Scripted("{NAME}, VARIANT, for {PRICE}."))
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


def _codes(outs: dict[str, list[Out]]) -> list[list[str]]:
    return [msgspec.json.decode(out.value or b"", type=CopyVerdict).codes for out in outs.get("review", [])]


def _texts(outs: dict[str, list[Out]]) -> list[str]:
    entries = [msgspec.json.decode(out.value or b"", type=PoolEntry) for out in outs.get("copy", [])]
    return [candidate.slot_text for entry in entries for candidate in entry.candidates]


def test_a_claim_that_the_record_does_not_back_is_refused_even_where_the_writer_found_nothing(
    rig: Callable[..., Rig],
) -> None:
    outs = rig(Scripted("{NAME}, waterproof, for {PRICE}.")).run(rig().ask())
    assert "copy" not in outs
    assert _codes(outs) == [["copy_unbacked"]] * 3


def test_what_failed_is_named_when_the_text_is_asked_for_again(rig: Callable[..., Rig]) -> None:
    made = rig(Scripted("{NAME}, waterproof, for {PRICE}."))
    made.run(made.ask())
    assert [request.avoid for request in made.writer.asked] == [(), ("copy_unbacked",), ("copy_unbacked",)]


def test_two_variants_of_a_product_and_segment_never_say_the_same(rig: Callable[..., Rig]) -> None:
    made = rig()
    together = made.run(made.ask(variant="warm"), made.ask(variant="bold"))
    assert _texts(together) == ["{NAME} for {PRICE}."]
    assert _codes(together) == [["copy_duplicate"]] * 3
    later = made.run(made.ask(variant="plain"))
    assert "copy" not in later
    assert _codes(later) == [["copy_duplicate"]] * 3


def test_the_name_of_another_product_is_refused_once_the_catalogue_is_known(rig: Callable[..., Rig]) -> None:
    made = rig(Scripted("{NAME}, unlike any Harbor Morning Friend, VARIANT."))
    assert len(_texts(made.run(made.ask(variant="warm")))) == 1
    other = msgspec.structs.replace(made.states.catalogue["p1"].product, product_id="p9", name="Harbor Morning Friend")
    made.states.catalogue["p9"] = facts_of(other)
    made.states.catalogue_version += 1
    assert len(_texts(made.run(made.ask(variant="bold")))) == 1
    made.now_ms += RENEW_MS
    assert _codes(made.run(made.ask(variant="plain"))) == [["copy_irrelevant"]] * 3


def test_what_the_brand_requires_stands_in_the_pool_and_leaves_the_writer_less_room(rig: Callable[..., Rig]) -> None:
    rules = BrandRules(required={"push": ("Terms apply.",)}, banned=("indeed",))
    made = rig(standards=Standards(rules=rules))
    assert _texts(made.run(made.ask())) == ["{NAME} for {PRICE}. Terms apply."]
    assert made.writer.asked[0].max_chars == 120 - len(" Terms apply.")
    made.writer.text = "{NAME}, indeed."
    assert _codes(made.run(made.ask(variant="bold"))) == [["copy_brand"]] * 3


class Numbered(Scripted):
    """Writes the next of its texts at every call, whatever is asked."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.texts = list(texts)

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        self.asked.extend(requests)
        return [WrittenText(slot_text=self.texts.pop(0), codes=(), tokens=7, ms=1.5, prompt_id="p") for _ in requests]


DULL, BRIGHT, THIRD = "{NAME} for {PRICE}, dull.", "{NAME} for {PRICE}, bright and early.", "Shop {NAME}."


def _entry(outs: dict[str, list[Out]]) -> PoolEntry:
    return msgspec.json.decode(outs["copy"][-1].value or b"", type=PoolEntry)


def _states(entry: PoolEntry) -> dict[str, str]:
    return {candidate.slot_text: candidate.state for candidate in entry.candidates}


def _filled(made: Rig, *records: Record) -> PoolEntry:
    """What a key holds once nothing more is wanted for it."""
    outs = made.run(*records)
    while made.worker.wants():
        outs = made.run() or outs
    (entry,) = {id(entry): entry for key in made.pool.keys(lambda _: True) if (entry := made.pool.entry(key))}.values()
    return entry


def _weigh(made: Rig, creativity: float | None, category: str = EVERYWHERE) -> dict[str, list[Out]]:
    made.states.curation.weigh(
        Creativity(category=category, creativity=creativity, time_ms=NOW_MS, by="ann", why="a try")
    )
    made.worker.idle()
    return made.run() if made.worker.wants() else {}


def _rule(made: Rig, entry: PoolEntry, slot_text: str, ruling: Any) -> dict[str, list[Out]]:
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


def test_of_several_texts_the_best_is_shown_and_the_others_stand_by(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    entry = _filled(made, made.ask())
    assert _states(entry) == {DULL: "active", BRIGHT: "standby"}
    assert entry.candidates[0].scores["reward"] == 0.7
    assert entry.candidates[0].scores["diversity"] == entry.candidates[1].scores["diversity"] > 0


def test_a_change_of_lambda_ranks_anew_without_a_word_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=3, creativity=0.0)
    before = _filled(made, made.ask())
    assert _states(before)[DULL] == "active"
    asked = len(made.writer.asked)
    after = _entry(_weigh(made, 0.9))
    assert len(made.writer.asked) == asked
    assert _states(after)[DULL] == "standby"
    assert {each.copy_id for each in after.candidates} == {each.copy_id for each in before.candidates}
    assert made.outcomes()["revised"] == 1


def test_what_a_change_leaves_as_it_is_is_not_published(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    _filled(made, made.ask())
    assert "copy" not in _weigh(made, 0.0)
    assert not made.worker.wants()


def test_a_category_of_its_own_is_weighed_by_its_own_lambda(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    _filled(made, made.ask())
    assert _weigh(made, 0.5, category="shoes") == {}
    assert "copy" in _weigh(made, 0.5, category="kitchen")
    assert "copy" not in _weigh(made, 0.1)


def test_a_rejected_text_leaves_the_pool_and_never_returns(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2)
    first = _filled(made, made.ask())
    after = _entry(_rule(made, first, DULL, "rejected"))
    assert _states(after) == {BRIGHT: "active"}
    made.writer.texts = [DULL, "{NAME}! For {PRICE}, DULL!", THIRD]
    again = made.run(made.ask(variant="bold"))
    assert _codes(again) == [["copy_rejected"]] * 2
    assert _states(_entry(again)) == {THIRD: "active"}


def test_a_rejection_changes_the_seeds_of_its_key(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL))
    first = _entry(made.run(made.ask()))
    assert _entry(_rule(made, first, DULL, "rejected")).candidates == []
    made.writer.texts = [THIRD]
    made.run(made.ask())
    assert made.writer.asked[0].seed != made.writer.asked[1].seed


def test_where_review_is_on_a_text_waits_until_a_person_lets_it_in(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), review="all")
    outs = made.run(made.ask())
    entry = _entry(outs)
    assert _states(entry) == {DULL: "review"}
    assert made.pool.texts == {}
    (verdict,) = [msgspec.json.decode(out.value or b"", type=CopyVerdict) for out in outs["review"]]
    assert (verdict.verdict, verdict.codes, verdict.slot_text) == ("review", [], DULL)
    made.run(made.ask())
    assert made.outcomes()["in_review"] == 1
    assert _states(_entry(_rule(made, entry, DULL, "approved"))) == {DULL: "active"}
    assert [text.slot_text for text in made.pool.texts["p1", "new", "warm"]] == [DULL]


def test_only_a_sensitive_text_waits_where_only_these_are_reviewed(rig: Callable[..., Rig]) -> None:
    standards = Standards(rules=BrandRules(sensitive=("early",)))
    made = rig(Numbered(BRIGHT, DULL), standards, review="sensitive")
    outs = made.run(made.ask())
    assert _states(_entry(outs)) == {BRIGHT: "review"}
    assert _codes(outs) == [["copy_sensitive"]]
    assert _states(_entry(made.run(made.ask(variant="bold")))) == {DULL: "active"}


def test_what_was_approved_once_waits_no_more_for_another_product(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, DULL), review="all")
    entry = _entry(made.run(made.ask()))
    _rule(made, entry, DULL, "approved")
    made.states.catalogue["p2"] = facts_of(
        msgspec.structs.replace(made.states.catalogue["p1"].product, product_id="p2", name="Other Cup")
    )
    assert _states(_entry(made.run(made.ask("p2")))) == {DULL: "active"}


def test_an_approved_text_that_the_pool_has_lost_joins_it_again(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), review="all")
    entry = _entry(made.run(made.ask()))
    made.pool.forget_own()
    made.pool.apply(entry.key(), None)
    assert _states(_entry(_rule(made, entry, DULL, "approved"))) == {DULL: "active"}


def test_a_roll_back_leaves_the_revision_to_be_made(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=3, creativity=0.0)
    _filled(made, made.ask())
    made.states.curation.weigh(Creativity(category="*", creativity=0.9, time_ms=NOW_MS, by="ann", why=""))
    made.worker.idle()
    first = made.worker.step([]).outs
    made.worker.aborted()
    assert made.worker.wants()
    assert made.worker.step([]).outs == first
    made.worker.committed([])
    assert not made.worker.wants()


def test_a_worker_revises_only_the_keys_whose_requests_it_reads(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=3, creativity=0.0)
    _filled(made, made.ask())
    made.worker.revoked([0])
    assert _weigh(made, 0.9) == {}
    made.worker.assigned({0: 0})
    made.worker.idle()
    assert made.worker.wants()
    assert "copy" in made.run()


def test_the_pool_of_a_moment_ago_does_not_undo_what_was_just_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    old = _filled(made, made.ask())
    new = _entry(_weigh(made, 0.3))
    made.pool.apply(old.key(), old)
    assert made.pool.entry(old.key()) == new
    made.pool.apply(new.key(), new)
    made.pool.apply(new.key(), None)
    assert made.pool.entry(new.key()) is None


def test_the_first_text_goes_out_before_more_are_written(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2)
    assert _states(_entry(made.run(made.ask()))) == {DULL: "active"}
    assert len(made.writer.asked) == 1
    assert made.worker.wants()
    both = _entry(made.run())
    assert set(_states(both)) == {DULL, BRIGHT}
    assert not made.worker.wants()


def test_a_request_is_answered_before_more_is_written_for_others(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT, THIRD), candidates=2)
    made.run(made.ask())
    outs = made.run(made.ask(variant="bold"))
    assert [out.key for out in outs["copy"]] == [b"p1|new|bold|push|en"]


def test_a_key_that_stays_short_is_tried_a_few_times_and_left(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, *[DULL] * 9), candidates=2, tries=3)
    made.run(made.ask())
    rounds = 0
    while made.worker.wants():
        made.run()
        rounds += 1
    assert rounds == 3
    assert len({request.seed for request in made.writer.asked}) == 4


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


def test_a_rejected_text_does_not_return_in_ten_thousand_generations(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL), tries=1)
    _rule(made, _entry(made.run(made.ask())), DULL, "rejected")
    made.worker._writer = writer = Stubborn()
    for round_ in range(100):
        made.run(*[made.ask(variant=f"v{round_}-{n}") for n in range(100)])
    assert len(writer.asked) == 10_000
    shown = {text.slot_text for texts in made.pool.texts.values() for text in texts}
    assert shown == {BRIGHT}
