"""The recount on hand-made topics: a sound run adds up, and each planted fault is found and named."""

from typing import Any

import msgspec
import pytest
from recount_run import COPY, DECISIONS, DLQ, EVENTS, REQUESTS, RULES, START_MS, SUM, Run

from inference.decide.hashing import decision_id
from patter.demo.recount import Recount
from patter.demo.shop import DemoShop, demo_catalogue
from schemas.errors import Code
from streams.kafka.dump import DumpRecord


@pytest.fixture
def sound() -> Run:
    """One event of each fate, over two partitions."""
    run = Run()
    for partition in (0, 1):
        first = run.event(f"a{partition}", 0.0, partition)
        run.decide(first)
        run.event(f"a{partition}", 0.1, partition)
        run.event(f"s{partition}", 0.2, partition, kind="searched")
        run.event(f"l{partition}", 0.2, partition, kind="list_viewed", product_id=None)
        run.event(f"b{partition}", 0.3, partition, user_agent="GoogleBOT")
        run.bury(run.raw(b"\xff{", 0.4, partition))
        run.bury(run.raw(None, 0.5, partition))
        run.decide(run.event(f"c{partition}", 30.0, partition, kind="cart_added"), source="template", shown="template")
    return run


def test_a_sound_run_adds_up(sound: Run) -> None:
    result = sound.count()
    assert result["failures"] == []
    assert result["serve"] == {
        "events_in": 16,
        "decisions": 4,
        "duplicates": 2,
        "not_trigger": 4,
        "suppressed": 2,
        "dlq": 4,
        "pending": 0,
        "holdout": 0,
        "doubled": 0,
        "of_earlier_events": 0,
    }
    assert result["dlq"] == {"records": 4, "by_code": {"empty_record": 2, "undecodable": 2}}


def test_a_lost_decision_is_pending_and_named(sound: Run) -> None:
    del sound.decisions[1]
    result = sound.count()
    assert result["serve"]["pending"] == 1
    assert result["failures"][0] == f"{Code.PENDING}: 1 events that ask for a decision have none ({EVENTS}/0/7)"
    assert any(failure.startswith("miscount: events_in 16 is not 15") for failure in result["failures"])


def test_a_doubled_decision_is_found_counted_once_and_excused_at_least_once(sound: Run) -> None:
    before = sound.count()
    sound.decisions.append(msgspec.structs.replace(sound.decisions[0], offset=99))
    after = sound.count()
    assert after["failures"] == [f"miscount: 1 decisions stand twice ({EVENTS}/0/0)"]
    assert after["serve"] == {**before["serve"], "doubled": 1}
    for section in ("render", "pool", "features"):
        assert after[section] == before[section]
    assert sound.count(doubles_fail=False)["failures"] == []


def test_a_decided_duplicate_is_found(sound: Run) -> None:
    """What serve does with its dedupe off: the second event is decided under the same id."""
    sound.decide(sound.events[1])
    failures = sound.count()["failures"]
    assert f"miscount: 1 decisions are of events that ask for none ({EVENTS}/0/1)" in failures


@pytest.mark.parametrize("index", [2, 3, 4])
def test_a_decision_of_an_event_that_asks_for_none_is_found(sound: Run, index: int) -> None:
    sound.decide(sound.events[index])
    assert any("ask for none" in failure for failure in sound.count()["failures"])


def test_decisions_of_no_event_are_found(sound: Run) -> None:
    sound.decide(msgspec.structs.replace(sound.events[0], offset=5000, partition=3))
    assert any("offsets where no event stands" in failure for failure in sound.count()["failures"])
    assert f"{EVENTS}/3/5000" in str(sound.count()["failures"])


def test_a_decision_that_names_another_event_is_found(sound: Run) -> None:
    sound.decisions[0] = msgspec.structs.replace(
        sound.decisions[0], value=(sound.decisions[0].value or b"").replace(b'"event_id":"a0"', b'"event_id":"zz"')
    )
    failures = " ".join(sound.count()["failures"])
    assert "name another event" in failures
    assert "does not follow" in failures


def test_a_decision_id_of_another_tenant_is_found(sound: Run) -> None:
    sound.decisions.clear()
    for index in (0, 7, 8, 15):
        sound.decide(sound.events[index], decision_id=decision_id("other", "a0").hex())
    shown = f"({EVENTS}/0/0, {EVENTS}/0/7, {EVENTS}/1/0, ...)"
    assert sound.count()["failures"] == [
        f"miscount: 4 decisions have an id that does not follow from their event's {shown}"
    ]


def test_a_missing_dead_letter_is_found(sound: Run) -> None:
    del sound.dlq[0]
    result = sound.count()
    assert result["serve"]["dlq"] == 3
    assert f"miscount: 1 rejected events are not in the DLQ ({EVENTS}/0/5)" in result["failures"]


def test_a_dead_letter_of_a_good_event_is_found(sound: Run) -> None:
    sound.dlq.append(
        msgspec.structs.replace(
            sound.dlq[0],
            headers=tuple(
                (name, b"0" if name == "patter-offset" else value) for name, value in sound.dlq[0].headers or ()
            ),
        )
    )
    result = sound.count()
    assert result["dlq"]["records"] == 5
    assert result["serve"]["dlq"] == 4
    assert result["failures"] == [f"miscount: 1 dead letters are of good events ({EVENTS}/0/0)"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"value": b"\xff{ "}, "other bytes"),
        ({"key": None}, "other bytes"),
        ({"headers": (("patter-topic", EVENTS.encode()),)}, "do not say where"),
    ],
)
def test_a_spoilt_dead_letter_is_found(sound: Run, change: dict[str, Any], what: str) -> None:
    sound.dlq[0] = msgspec.structs.replace(sound.dlq[0], **change)
    assert any(what in failure for failure in sound.count()["failures"])


def test_a_dead_letter_with_another_code_is_found(sound: Run) -> None:
    headers = tuple((name, b"time_absurd" if name == "patter-code" else value) for name, value in sound.dlq[0].headers)
    sound.dlq[0] = msgspec.structs.replace(sound.dlq[0], headers=headers)
    result = sound.count()
    assert result["dlq"]["by_code"]["time_absurd"] == 1
    assert result["failures"] == [f"miscount: 1 dead letters have another code ({EVENTS}/0/5)"]


def test_a_dead_letter_that_stands_twice_is_found(sound: Run) -> None:
    sound.dlq.append(sound.dlq[0])
    assert sound.count()["failures"] == [f"miscount: 1 dead letters stand twice ({EVENTS}/0/5)"]
    assert sound.count(doubles_fail=False)["failures"] == []


def test_other_stages_letters_are_counted_and_not_held_against_events(sound: Run) -> None:
    headers = (("patter-topic", REQUESTS.encode()), ("patter-code", b"undecodable"), ("patter-stage", b"generate"))
    sound.dlq.append(DumpRecord(DLQ, 0, 9, START_MS, None, b"{", headers))
    result = sound.count()
    assert result["failures"] == []
    assert result["dlq"]["records"] == 5
    assert result["serve"]["dlq"] == 4


def test_records_that_do_not_decode_are_a_failure(sound: Run) -> None:
    sound.decisions.append(DumpRecord(DECISIONS, 0, 99, START_MS, b"u", b"{}"))
    sound.copy.append(DumpRecord(COPY, 0, 99, START_MS, b"k", b"[]"))
    assert sound.count()["failures"] == ["miscount: 2 records of decisions or copy do not decode"]


def test_what_stood_before_the_run_makes_duplicates_and_nothing_else(sound: Run) -> None:
    earlier = len([each for each in sound.events if each.partition == 0])
    sound.begin = {EVENTS: {0: earlier, 1: 8}, DECISIONS: {0: len(sound.decisions)}, DLQ: {0: len(sound.dlq)}}
    sound.event("a0", 60.0)
    sound.decide(sound.event("new", 60.0))
    # An event of before that is decided late: its decision is no event of this run's.
    sound.decide(sound.events[0])
    result = sound.count()
    assert result["failures"] == []
    serve = result["serve"]
    assert (serve["events_in"], serve["decisions"], serve["duplicates"], serve["of_earlier_events"]) == (2, 1, 1, 1)
    assert result["dlq"]["records"] == 0
    assert result["render"]["model"] == 1


def test_an_id_is_a_duplicate_only_within_the_window() -> None:
    run = Run()
    run.decide(run.event("a"))
    for number in range(RULES.window):
        run.event(f"x{number}", kind="searched")
    run.decide(run.event("a"))
    assert run.count()["failures"] == []
    near = Run()
    near.decide(near.event("a"))
    for number in range(RULES.window - 1):
        near.event(f"x{number}", kind="searched")
    near.event("a")
    assert near.count()["serve"]["duplicates"] == 1


def test_render_and_the_warm_share() -> None:
    run = Run()
    for number, (at_s, source) in enumerate(
        [(0, "template"), (19.9, "model"), (20, "model"), (50, "template"), (51, "model")]
    ):
        run.decide(run.event(f"e{number}", at_s), source=source)
    run.decide(
        run.event("h", 40), action="none", source=None, text=None, override="holdout", eligible={}, ineligible={}
    )
    run.decide(run.event("o", 41), source="template", override="slot_unfilled")
    result = run.count()
    assert result["render"] == {
        "model": 3,
        "template": 3,
        "none": 1,
        "overridden": 2,
        "warm_at_s": 20.0,
        "model_share_warm": 0.5,
        "by_override": {"holdout": 1, "slot_unfilled": 1},
    }
    assert result["serve"]["holdout"] == 1
    assert run.count(warm_after_s=100.0)["render"]["model_share_warm"] is None


def test_lookups_and_features() -> None:
    run = Run()
    run.decide(run.event("a"))
    run.decide(
        run.event("b"),
        eligible={"template": 0.2, "warm": 0.4, "bold": 0.4},
        ineligible={"plain": "price_behind", "dry": "slot_unfilled", "odd": "frequency_cap"},
        features={"user_profile": {"a": None, "b": None}, "product_catalog": {"a": None}},
        feature_states={"user_profile": "stale", "product_catalog": "error"},
    )
    run.ask("k", 0)
    result = run.count()
    assert result["pool"] == {"entries": 0, "hits": 4, "misses": 2, "hit_rate": 0.6667, "requests": 1, "coalesced": 1}
    assert result["features"] == {"found": 2, "missing": 1, "stale": 1, "null": 2, "errors": 1}


def test_generation_is_counted_from_what_was_written() -> None:
    run = Run()
    run.pool("old", "c0")
    run.begin = {COPY: {0: 1}}
    run.ask("k1", 1_000)
    run.ask("k2", 1_500)
    run.ask("k1", 1_800)
    run.pool("k1", "c1", at_ms=2_000, tokens=30, ms=50.0)
    run.turn_down("k2", "copy_too_long", "copy_claim", at_ms=2_500)
    run.pool("k2", "c2", "c3", at_ms=3_000, tokens=20, ms=200.0)
    run.pool("k2", "c2", at_ms=4_000)
    run.ask("k9", 9_000)
    run.pool("gone", "c4", at_ms=9_100)
    run.pool("gone", at_ms=9_200)
    result = run.count()
    # From 1.0 s to 2.5 s somebody waited; k9 is never answered.
    assert result["generate"] == {
        "copies_written": 4,
        "rejected_by_code": {"copy_claim": 1, "copy_too_long": 1},
        "bundle_sha256": "b2",
        "tokens_per_s": round((30 + 20 + 20 + 20 + 5) / 1.5, 1),
        "copies_per_s": round(4 / 1.5, 2),
        "copy_ms": {"p50": 100.0, "p99": 200.0},
    }
    assert result["pool"]["entries"] == 3
    assert result["pool"]["requests"] == 4


def test_without_generation_nothing_is_made_up(sound: Run) -> None:
    generate = sound.count()["generate"]
    assert generate["copies_per_s"] is None
    assert generate["copy_ms"] == {"p50": None, "p99": None}
    assert generate["bundle_sha256"] == "b"


def test_delays_from_the_reader_or_from_when_decisions_were_seen(sound: Run) -> None:
    assert sound.count(delays_ms=[30.0, 10.0, 20.0])["event_to_decision_ms"] == {
        "p50": 20.0,
        "p95": 30.0,
        "p99": 30.0,
        "max": 30.0,
        "n": 3,
    }
    recount = Recount(RULES)
    recount.decision(sound.decisions[0], START_MS + 40.0)
    recount.decision(sound.decisions[1])
    for record in sound.events:
        recount.event(record)
    delays = recount.result()["event_to_decision_ms"]
    assert delays == {"p50": 40.0, "p95": 40.0, "p99": 40.0, "max": 40.0, "n": 1}
    assert sound.count()["event_to_decision_ms"]["p50"] is None


def test_copies_show_one_product_in_each_segment() -> None:
    run = Run()
    for number, (product, segment, source, text) in enumerate(
        [
            ("p1", "new", "template", "t"),
            ("p2", "new", "template", "t"),
            ("p2", "new", "model", "m1"),
            ("p2", "new", "template", "late"),
            ("p2", "loyal", "model", "m2"),
            ("p1", "loyal", "template", "t"),
            ("p1", "lapsed", "template", "t"),
            ("p1", "new", "template", "t"),
        ]
    ):
        run.decide(run.event(f"e{number}"), product_id=product, segment=segment, source=source, text=text)
    copies = run.count()["copies"]
    assert [(each["product_id"], each["segment"], each["text"], each["source"]) for each in copies] == [
        ("p2", "loyal", "m2", "model"),
        ("p2", "new", "m1", "model"),
    ]
    assert set(copies[0]) == {"product_id", "segment", "variant", "copy_id", "text", "source"}


def test_an_empty_run_is_all_zeros_and_nulls() -> None:
    result = Run().count()
    assert result["failures"] == []
    assert set(result["serve"].values()) == {0}
    assert result["pool"]["hit_rate"] is None
    assert result["copies"] == []


def test_the_sum_of_the_contract_holds_for_the_demos_own_shop() -> None:
    run = Run()
    shop = DemoShop(3, 50, list(demo_catalogue()))
    for each in shop.events(run_id="r", rate=100, seconds=5, duplicates=20, malformed=30, start_ms=START_MS):
        record = run.raw(each.value or None, each.at_s, partition=each.key[-1] % 3)
        if each.kind == "malformed":
            run.bury(record)
    judged = Recount(msgspec.structs.replace(RULES, window=10_000))
    for record in run.events:
        judged.event(record)
    for record in run.dlq:
        judged.dlq(record)
    serve = judged.result()["serve"]
    assert isinstance(serve, dict)
    assert serve["events_in"] == 550 == sum(serve[name] for name in SUM) + serve["pending"]
    assert (serve["duplicates"], serve["dlq"], serve["decisions"]) == (20, 30, 0)
    assert serve["suppressed"] > 0
