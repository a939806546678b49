"""serve's worker on fakes: every event has one fate, every decision can be explained from its record."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from inference.decide.policy import Policy
from schemas.copy import CopyRequest
from schemas.errors import Brake, Code, PatterError
from schemas.policies import ConversionFit
from schemas.token import code_of, verify
from streams.dlq import RejectBrake
from streams.kafka.records import Out, Record
from streams.serve.codes import Codes
from streams.serve.setup import FrequencyCap

NOW_MS = 1_780_000_000_000
WARM = {"template": (1.0, 1e6), "warm": (1e6, 1.0), "bold": (1.0, 1e6)}


def test_the_fates_add_up_and_no_event_is_dropped(bench: Any) -> None:
    records = [
        bench.view("a"),
        bench.raw(b"{"),
        bench.view("a"),
        bench.view("b", kind="searched"),
        bench.view("c", kind="list_viewed"),
        bench.raw(
            json.dumps(
                {"kind": "list_viewed", "event_id": "d", "user_id": "u", "time": "2026-05-28T20:26:40Z"}
            ).encode()
        ),
        bench.view("e", user_agent="Nice Crawler/1.0"),
        bench.view("f"),
    ]
    outs = bench.run(*records)
    assert [json.loads(out.value)["event_id"] for out in outs["decisions"]] == ["a", "c", "f"]
    assert [out.value for out in outs["dlq"]] == [b"{"]
    counted = {key[2]: n for key, n in bench.metrics.counts.items() if key[0] == "patter_outcomes_total"}
    assert counted == {"duplicate": 1, "not_trigger": 2, "suppressed": 1, "dlq": 1, "decision": 3}
    assert sum(counted.values()) == len(records)


def test_a_dead_letter_keeps_its_bytes_its_key_and_its_place(bench: Any) -> None:
    bench.view("a")
    record = bench.raw(b"\xff\x00not json")
    letter = bench.run(record)["dlq"][0]
    assert (letter.key, letter.value) == (record.key, record.value)
    headers = dict(letter.headers)
    assert headers["patter-topic"] == b"events"
    assert headers["patter-partition"] == b"0"
    assert headers["patter-offset"] == b"1"
    assert headers["patter-stage"] == b"serve"
    assert headers["patter-code"] == b"undecodable"


def test_an_order_of_judgement_a_bad_record_is_never_a_duplicate(bench: Any) -> None:
    bad = json.dumps({"kind": "product_viewed", "event_id": "a"}).encode()
    outs = bench.run(bench.raw(bad), bench.raw(bad), bench.view("a"))
    assert len(outs["dlq"]) == 2
    assert len(outs["decisions"]) == 1


def test_a_duplicate_in_a_later_batch_is_one_and_outside_the_window_is_none(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(seen_window=3)
    bench.product()
    assert len(bench.decide(bench.view("a"), bench.view("b"))) == 2
    assert len(bench.decide(bench.view("a"))) == 0
    assert len(bench.decide(bench.view("c"), bench.view("d"), bench.view("e"), bench.view("b"))) == 4


def test_a_batch_read_again_after_an_abort_is_decided_again_and_alike(bench: Any) -> None:
    bench.states.policy = None
    bench.prefer(**WARM)
    records = [bench.view("a"), bench.view("b"), bench.view("a")]
    first = bench.run(*records, commit=False)
    bench.worker.aborted()
    second = bench.run(*records)
    assert first == second
    assert len(first["decisions"]) == 2
    assert "requests" in second, "the misses of the aborted batch are asked for again"
    assert "codes" in second, "the names of the aborted batch are published again"
    assert bench.decide(*[bench.view("a"), bench.view("b")]) == []


def test_a_restart_knows_the_window_and_decides_no_event_twice(make_bench: Callable[..., Any]) -> None:
    first = make_bench()
    first.product()
    first.run(first.view("a"), first.view("b"))

    def rewarm(partition: int, start: int, end: int, put: Callable[[int, bytes | None, int], None]) -> None:
        for record in first.log[start:end]:
            put(record.offset, record.value, record.timestamp_ms)

    second = make_bench(rewarm=rewarm)
    second.product()
    second.log = list(first.log)
    second.worker.assigned({0: 2})
    assert [d.event_id for d in second.decide(second.view("a"), second.view("c"))] == ["c"]


def test_the_record_says_everything_that_the_decision_was_made_from(bench: Any) -> None:
    bench.reader.put("user_profile", "u1", {"orders_90d": 5})
    bench.copy("{NAME} waits for you.", segment="loyal")
    bench.prefer(**WARM)
    (decision,) = bench.decide(bench.view("a"))
    assert decision.action == "show"
    assert (decision.arm, decision.shown, decision.source, decision.override) == ("warm", "warm", "model", None)
    assert decision.text == "Trail Mug waits for you."
    assert decision.slot_text == "{NAME} waits for you."
    assert decision.segment == "loyal"
    assert decision.segment_version == "7"
    assert decision.features == {"user_profile": {"orders_90d": 5}, "product_catalog": {}}
    assert decision.feature_states == {"user_profile": "fresh", "product_catalog": "missing"}
    assert decision.feature_times_ms == {"user_profile": NOW_MS - 5_000, "product_catalog": None}
    assert decision.catalogue["price_minor"] == 1999
    assert decision.ineligible == {"bold": "pool_miss"}
    assert set(decision.eligible) == {"template", "warm"}
    assert decision.propensity == decision.eligible["warm"]
    assert decision.event.offset == 0
    assert decision.policy_version == 1
    assert decision.bundle_sha256 == "b" * 64


def test_the_token_says_what_the_record_says(bench: Any) -> None:
    bench.copy("{NAME} waits for you.")
    bench.prefer(**WARM)
    (decision,) = bench.decide(bench.view("a"))
    claims = verify(decision.token, {1: b"k" * 32})
    assert claims is not None
    assert claims.decision_id.hex() == decision.decision_id
    assert claims.propensity == pytest.approx(decision.propensity)
    assert claims.arm == code_of("warm")
    assert claims.product == code_of("p1")
    assert decision.copy_id is not None
    assert claims.copy == code_of(decision.copy_id)
    assert not claims.holdout
    assert not claims.excluded
    assert verify(decision.token, {1: b"x" * 32}) is None


REFIT = ConversionFit(base="own", weights={"words": 0.1}, texts=2, impressions=9)


def refitted(policy: Policy) -> Policy:
    return Policy(msgspec.structs.replace(policy.snapshot, conversion=REFIT, conversion_version="refitted"))


@pytest.mark.parametrize(
    ("own", "refit", "named"),
    [
        (None, False, None),
        ("own", False, "own"),
        ("own", True, "refitted"),
        ("another", True, "another"),
        (None, True, None),
    ],
)
def test_a_decision_names_the_p_conv_that_ranks(
    make_bench: Any, own: str | None, *, refit: bool, named: str | None
) -> None:
    bench = make_bench(conversion_version=own)
    bench.product()
    if refit:
        bench.states.policy = refitted(bench.states.policy)
    (record,) = bench.run(bench.view("a"))["decisions"]
    assert json.loads(record.value)["conversion_version"] == named


def test_no_decision_depends_on_the_p_conv_that_it_names(make_bench: Any) -> None:
    told = []
    for refit in (False, True):
        bench = make_bench(conversion_version="own")
        bench.product()
        bench.copy("{NAME} waits for you.")
        bench.prefer(template=(1.0, 1.0), warm=(1.0, 1.0), bold=(1.0, 1.0))
        if refit:
            bench.states.policy = refitted(bench.states.policy)
        found = bench.decide(*[bench.view(f"e{number}") for number in range(50)])
        assert {each.conversion_version for each in found} == {"refitted" if refit else "own"}
        told.append([msgspec.structs.replace(each, conversion_version=None) for each in found])
    assert told[0] == told[1]
    assert {each.arm for each in told[0]} == {"template", "warm"}


def test_every_code_in_a_token_has_a_name_on_the_topic_and_only_once(bench: Any) -> None:
    names = {json.loads(out.value)["name"] for out in bench.run(bench.view("a"))["codes"]}
    assert names == {"x", "template", "new", "kitchen", "p1"}
    assert "codes" not in bench.run(bench.view("b"))


def test_two_names_with_one_code_stop_the_writer() -> None:
    codes = Codes({code_of("a"): "not a"})
    with pytest.raises(PatterError) as caught:
        codes.of("product", "a")
    assert caught.value.code is Code.CODE_COLLISION


def test_an_empty_pool_is_answered_by_the_template_and_asked_for_once(bench: Any) -> None:
    outs = bench.run(bench.view("a"), bench.view("b", user_id="u2"))
    requests = [msgspec.json.decode(out.value, type=CopyRequest) for out in outs["requests"]]
    assert {request.variant for request in requests} == {"warm", "bold"}
    assert len(requests) == 2
    assert requests[0].tone == "warm"
    found = [json.loads(out.value) for out in outs["decisions"]]
    assert {d["source"] for d in found} == {"template"}
    assert {d["propensity"] for d in found} == {1.0}
    assert "requests" not in bench.run(bench.view("c"))


def test_copy_of_another_bundle_is_a_miss(bench: Any) -> None:
    bench.states.pool._bundle = "c" * 64
    bench.copy("{NAME} waits.")
    assert bench.decide(bench.view("a"))[0].ineligible["warm"] == "pool_miss"


def test_a_price_is_filled_when_the_decision_is_made(bench: Any) -> None:
    bench.copy("{NAME}, now {PRICE}.")
    bench.prefer(**WARM)
    assert bench.decide(bench.view("a"))[0].text == "Trail Mug, now $19.99."
    bench.product(price_minor=2999)
    assert bench.decide(bench.view("b"))[0].text == "Trail Mug, now $29.99."


def test_a_price_that_may_be_old_is_not_shown(bench: Any) -> None:
    bench.copy("{NAME}, now {PRICE}.")
    bench.prefer(**WARM)
    bench.states.known_ms = NOW_MS - 2_000
    assert bench.decide(bench.view("a"))[0].arm == "warm"
    bench.states.known_ms = NOW_MS - 2_001
    (decision,) = bench.decide(bench.view("b"))
    assert decision.ineligible["warm"] == "price_behind"
    assert decision.source == "template"
    assert "$" not in (decision.text or "")
    assert "PRICE" not in (decision.slot_text or "")


def test_a_fact_that_a_product_lost_makes_its_copy_ineligible(bench: Any) -> None:
    bench.copy("{NAME} in {COLOR}.")
    bench.prefer(**WARM)
    outs = bench.run(bench.view("a"))
    assert json.loads(outs["decisions"][0].value)["ineligible"]["warm"] == "slot_unfilled"
    assert any(json.loads(out.value)["variant"] == "warm" for out in outs["requests"])


def test_a_text_that_grows_too_long_is_replaced_and_left_out_of_learning(bench: Any) -> None:
    bench.copy("{NAME} " + "and on " * 16)
    bench.prefer(**WARM)
    (decision,) = bench.decide(bench.view("a"))
    assert (decision.arm, decision.shown, decision.override) == ("warm", "template", "text_too_long")
    assert decision.excluded
    assert decision.source == "template"
    assert decision.propensity == decision.eligible["warm"]
    claims = verify(decision.token, {1: b"k" * 32})
    assert claims is not None
    assert claims.excluded


def test_an_unknown_product_is_a_decision_that_shows_nothing(bench: Any) -> None:
    (decision,) = bench.decide(bench.view("a", product_id="nobody"))
    assert (decision.action, decision.override) == ("none", "product_unknown")
    assert decision.text is None
    assert decision.arm is None
    assert decision.propensity is None


def test_a_held_out_shopper_has_a_record_and_no_copy(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(holdout=1.0)
    bench.product()
    (decision,) = bench.decide(bench.view("a"))
    assert (decision.action, decision.override, decision.excluded) == ("none", "holdout", False)
    claims = verify(decision.token, {1: b"k" * 32})
    assert claims is not None
    assert claims.holdout


def test_the_kill_switch_stops_all_copy(bench: Any) -> None:
    from inference.decide.policy import Policy

    bench.states.policy = Policy(msgspec.structs.replace(bench.states.policy.snapshot, kill=True))
    assert bench.decide(bench.view("a"))[0].override == "kill_switch"


def test_a_frequency_cap_leaves_a_shopper_in_peace(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(cap=FrequencyCap("user_profile", "impressions_24h", 3))
    bench.product()
    bench.reader.put("user_profile", "u1", {"impressions_24h": 3})
    bench.reader.put("user_profile", "u2", {"impressions_24h": 2})
    capped, free, unknown = bench.decide(bench.view("a"), bench.view("b", user_id="u2"), bench.view("c", user_id="u3"))
    assert (capped.action, capped.override) == ("none", "frequency_cap")
    assert free.action == unknown.action == "show"


def test_one_read_serves_the_whole_batch_and_only_for_triggers(bench: Any) -> None:
    bench.run(bench.view("a"), bench.view("b", kind="searched"), bench.view("c", user_id="u2"), bench.view("a"))
    assert bench.reader.asked == [{"user_id": ["u1", "u2"], "product_id": ["p1"]}]


def test_the_same_event_of_the_same_tenant_has_one_decision_id(bench: Any, make_bench: Callable[..., Any]) -> None:
    other = make_bench()
    other.product()
    assert bench.decide(bench.view("a"))[0].decision_id == other.decide(other.view("z"), other.view("a"))[1].decision_id


def test_the_brake_stops_a_worker_that_rejects_everything(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(brake=RejectBrake(run=3, ratio=0.5, window=100))
    bench.run(bench.raw(b"{"), bench.raw(b"{"), bench.view("a"))
    with pytest.raises(Brake):
        bench.run(bench.raw(b"{"), bench.raw(b"{"), bench.raw(b"{"))


def test_the_brake_also_knows_a_ratio() -> None:
    brake = RejectBrake(run=1000, ratio=0.5, window=100)
    brake.check([True, False] * 60, "serve")
    with pytest.raises(Brake):
        brake.check([True, True, True, False] * 30, "serve")


def test_records_are_keyed_by_the_shopper(bench: Any) -> None:
    out: Out = bench.run(bench.view("a", user_id="ü9"))["decisions"][0]
    assert out.key == "ü9".encode()


def test_a_partition_that_was_revoked_is_forgotten(bench: Any) -> None:
    bench.run(Record("events", 1, 0, NOW_MS, None, bench.view("a").value))
    bench.worker.revoked([1])
    bench.worker.assigned({1: 1})
    assert len(bench.decide(Record("events", 1, 1, NOW_MS, None, bench.view("a").value))) == 1


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "ü\u2028💡", "line\nfeed", "%s %d {x}"])
def test_ids_of_any_kind_come_through_unchanged(bench: Any, name: str) -> None:
    bench.product(name, name=name)
    (decision,) = bench.decide(bench.view(name, user_id=name, product_id=name))
    assert (decision.event_id, decision.user_id, decision.product_id) == (name, name, name)
