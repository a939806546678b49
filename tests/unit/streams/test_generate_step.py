"""generate's worker on a writer that writes what it is told: what is written, what is dropped, what stays open."""

import json
from collections.abc import Callable

import msgspec
from generate_rig import BUNDLE, NOW_MS, Rig, Scripted, codes_in, texts_in

from inference.decide.facts import facts_of
from inference.generate.brand import BrandRules
from inference.generate.judge import Standards
from schemas.copy import CopyKey, CopyVerdict, PoolEntry
from streams.generate.standards import RENEW_MS
from streams.kafka.records import Record


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


def test_a_claim_that_the_record_does_not_back_is_refused_even_where_the_writer_found_nothing(
    rig: Callable[..., Rig],
) -> None:
    outs = rig(Scripted("{NAME}, waterproof, for {PRICE}.")).run(rig().ask())
    assert "copy" not in outs
    assert codes_in(outs) == [["copy_unbacked"]] * 3


def test_what_failed_is_named_when_the_text_is_asked_for_again(rig: Callable[..., Rig]) -> None:
    made = rig(Scripted("{NAME}, waterproof, for {PRICE}."))
    made.run(made.ask())
    assert [request.avoid for request in made.writer.asked] == [(), ("copy_unbacked",), ("copy_unbacked",)]


def test_two_variants_of_a_product_and_segment_never_say_the_same(rig: Callable[..., Rig]) -> None:
    made = rig()
    together = made.run(made.ask(variant="warm"), made.ask(variant="bold"))
    assert texts_in(together) == ["{NAME} for {PRICE}."]
    assert codes_in(together) == [["copy_duplicate"]] * 3
    later = made.run(made.ask(variant="plain"))
    assert "copy" not in later
    assert codes_in(later) == [["copy_duplicate"]] * 3


def test_the_name_of_another_product_is_refused_once_the_catalogue_is_known(rig: Callable[..., Rig]) -> None:
    made = rig(Scripted("{NAME}, unlike any Harbor Morning Friend, VARIANT."))
    assert len(texts_in(made.run(made.ask(variant="warm")))) == 1
    other = msgspec.structs.replace(made.states.catalogue["p1"].product, product_id="p9", name="Harbor Morning Friend")
    made.states.catalogue["p9"] = facts_of(other)
    made.states.catalogue_version += 1
    assert len(texts_in(made.run(made.ask(variant="bold")))) == 1
    made.now_ms += RENEW_MS
    assert codes_in(made.run(made.ask(variant="plain"))) == [["copy_irrelevant"]] * 3


def test_what_the_brand_requires_stands_in_the_pool_and_leaves_the_writer_less_room(rig: Callable[..., Rig]) -> None:
    rules = BrandRules(required={"push": ("Terms apply.",)}, banned=("indeed",))
    made = rig(standards=Standards(rules=rules))
    assert texts_in(made.run(made.ask())) == ["{NAME} for {PRICE}. Terms apply."]
    assert made.writer.asked[0].max_chars == 120 - len(" Terms apply.")
    made.writer.text = "{NAME}, indeed."
    assert codes_in(made.run(made.ask(variant="bold"))) == [["copy_brand"]] * 3
