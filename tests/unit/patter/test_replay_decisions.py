"""Deciding again from records: nothing differs as serve wrote them, and whatever is altered is found."""

import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replay_shop import KEY, Shop, settings_in

from inference.decide.policy import Policy
from inference.decide.replay import Why
from patter.replay.again import Again, Judged
from patter.replay.experiments import Ran
from patter.replay.result import ReplayResult
from patter.replay.rules import replay_rules
from patter.settings import Settings
from schemas.errors import Code
from schemas.token import sign, verify
from streams.kafka.dump_lines import DumpRecord

# 100,000 take minutes; REPLAY_DECISIONS=100000 asks for them.
DECISIONS = int(os.environ.get("REPLAY_DECISIONS", "20000"))


def judge_of(shop: Shop, given: Settings | None = None) -> Again:
    rules = replay_rules(given or shop.settings)
    ran = Ran(rules.setup.experiment, shop.versions)
    return Again(rules, {each.version: Policy(each) for each in shop.snapshots}, ran)


class Records(list[DumpRecord]):
    """Too many to be shown where a test fails."""

    def __repr__(self) -> str:
        return f"{len(self)} records"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(settings_in(tmp_path_factory.mktemp("replay")), tries=True)


@pytest.fixture(scope="module")
def records(shop: Shop) -> list[DumpRecord]:
    return Records(shop.run(DECISIONS))


@pytest.fixture(scope="module")
def by_experiment(records: list[DumpRecord]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for record in records[:12_000]:
        found.setdefault(json.loads(record.value or b"")["experiment"], []).append(record.value or b"")
    return found


@pytest.fixture(scope="module")
def again(shop: Shop, records: list[DumpRecord]) -> Again:
    assert records, "the snapshots are published while the shop runs"
    return judge_of(shop)


def test_a_seeded_log_is_decided_again_without_a_difference(again: Again, records: list[DumpRecord]) -> None:
    result = ReplayResult([1], 11)
    for record in records:
        result.add(record, again.judge(record.value))
    assert result.differences == []
    assert (result.decisions, result.replayed, result.differing) == (DECISIONS, DECISIONS, 0)
    assert (result.not_replayed, result.exit_code, result.failures()) == ({}, 0, [])
    assert result.taken.keys() == {"text_too_long"}
    assert result.by_mode.keys() == {"settings", "fixed", "aa", "adaptive"}
    assert min(result.by_mode.values()) > DECISIONS / 20
    # The publishers' clocks are up to four seconds apart from serve's.
    assert 0 < result.most_apart_ms < 8_000
    assert result.offsets == {"patter.decisions.v1": {0: (0, DECISIONS)}}


def test_the_log_holds_every_kind_of_decision_that_there_is(shop: Shop, records: list[DumpRecord]) -> None:
    told = [json.loads(record.value or b"") for record in records[:20_000]]
    overrides = Counter(each["override"] for each in told)
    assert overrides.keys() >= {None, "holdout", "kill_switch", "frequency_cap", "product_unknown", "text_too_long"}
    assert {code for each in told for code in each["ineligible"].values()} == {
        "pool_miss",
        "slot_unfilled",
        "price_behind",
    }
    assert {each["source"] for each in told} == {None, "model", "template"}
    assert {each["arm"] for each in told} == {None, "template", "twin", *shop.arms}
    assert {each["experiment"] for each in told} == {"spring", "three", "twins", "drawn", "one", "later"}
    assigned = [each for each in told if each["experiment"] in ("three", "one", "later")]
    assert {each["override"] for each in assigned} >= {None, "pool_miss", "slot_unfilled", "text_too_long", "holdout"}
    assert {state for each in told for state in each["feature_states"].values()} == {
        "fresh",
        "stale",
        "missing",
        "error",
    }
    assert len({each["policy_version"] for each in told}) > 3
    assert {len(each["eligible"]) for each in told} == {0, *range(1, len(shop.arms) + 2)}


# --- what is altered is found ---

ANY_TEXT = {
    "event_id",
    "product_id",
    "category",
    "segment",
    "text",
    "slot_text",
    "copy_id",
    "shown",
    "source",
    "override",
}
OTHER_SETTINGS = {"segment_version", "experiment", "channel", "locale"}


def altered(record: dict[str, Any], field: str, data: st.DataObject) -> None:
    """The record with one member altered by as little as it can be."""
    value = record[field]
    if field == "experiment" and data.draw(st.booleans()):
        record[field] = data.draw(st.sampled_from(["spring", "three", "one", "twins", "drawn", "later"]))
        record["experiment_version"] = 3 if record[field] == "spring" else 2
    elif field in ANY_TEXT | OTHER_SETTINGS | {"decision_id", "bundle_sha256", "arm"}:
        record[field] = "x" if value is None else data.draw(st.sampled_from([value + "x", value[:-1], None]))
    elif field == "propensity":
        record[field] = 0.5 if value is None else math.nextafter(value, data.draw(st.sampled_from([0.0, 2.0])))
    elif field in ("eligible", "ineligible"):
        new: Any = 0.1 if field == "eligible" else "pool_miss"
        name = data.draw(st.sampled_from([*sorted(value), "another"]))
        if name not in value:
            value[name] = new
        elif data.draw(st.booleans()):
            del value[name]
        else:
            value[name] = math.nextafter(value[name], 2.0) if field == "eligible" else "x"
    elif field in ("policy_version", "experiment_version"):
        record[field] = value + data.draw(st.sampled_from([-1, 1]))
    elif field == "excluded":
        record[field] = not value
    elif field == "guard":
        record[field] = [*value, "x"]
    elif field == "action":
        record[field] = "none" if value == "show" else "show"
    elif field == "time":
        record[field] = value[:-2] + str((int(value[-2]) + 1) % 10) + "Z"
    elif field == "token":
        place = data.draw(st.integers(0, len(value) - 1))
        record[field] = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
    else:
        raise AssertionError(field)


FIELDS = sorted(
    {"decision_id", "time", "token", "action", "arm", "propensity", "eligible", "ineligible", "policy_version"}
    | {"experiment_version", "excluded", "guard", "bundle_sha256"}
    | ANY_TEXT
    | OTHER_SETTINGS
)
# What a decision is told and does not depend on, or depends on only at a border: see docs/replay.md.
INPUTS = {"user_id", "kind", "event", "worker", "prompt_id", "conversion_version", "catalogue"} | {
    "features",
    "feature_states",
    "feature_times_ms",
}


def test_every_member_is_either_decided_again_or_an_input(records: list[DumpRecord]) -> None:
    assert json.loads(records[0].value or b"").keys() == {*FIELDS, *INPUTS}


ASSIGNED = ("three", "one", "later")


def is_input(body: dict[str, Any], field: str) -> bool:
    """Whether the altered member is one that the decision started from: see docs/replay.md."""
    if field == "product_id":
        # Of a product that is not in the catalogue no more is known than its id.
        return not body["catalogue"]
    # Where an experiment assigns the arm, shares do not tell which could not be shown. The first that could not does.
    refused = next(iter(body["ineligible"].values()), None) if body["experiment"] in ASSIGNED else None
    return field == "ineligible" and refused is not None and refused == body["override"]


@pytest.mark.parametrize("name", ["spring", "three", "one", "twins", "drawn"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_whatever_is_altered_is_found(
    again: Again, by_experiment: dict[str, list[bytes]], name: str, data: st.DataObject
) -> None:
    value = data.draw(st.sampled_from(by_experiment[name]))
    body = json.loads(value)
    field = data.draw(st.sampled_from(FIELDS))
    altered(body, field, data)
    if body == json.loads(value) or is_input(body, field):
        return
    judged = again.judge(msgspec.json.encode(body))
    # A token that names a key that is not at hand counts as unverified.
    assert judged.differences or judged.why is not None or not judged.verified, (field, body)


@pytest.mark.parametrize("field", ["arm", "propensity", "text", "eligible", "segment", "action", "override", "token"])
def test_an_altered_member_is_told_by_its_name(again: Again, records: list[DumpRecord], field: str) -> None:
    bodies = [json.loads(record.value or b"") for record in records[:3_000]]
    body = next(each for each in bodies if each["source"] == "model" and len(each["eligible"]) > 2)
    if field == "eligible":
        body["eligible"].pop(next(arm for arm in body["eligible"] if arm != body["arm"]))
    elif field == "propensity":
        body["propensity"] = math.nextafter(body["propensity"], 1.0)
    elif field == "arm":
        body["arm"] = next(arm for arm in body["eligible"] if arm != body["arm"])
    elif field == "action":
        body["action"] = "none"
    else:
        body[field] = (body[field] or "") + "x"
    judged = again.judge(msgspec.json.encode(body))
    assert field in {each.field for each in judged.differences}


def test_a_record_that_lies_spoils_no_other(shop: Shop, records: list[DumpRecord]) -> None:
    again, lies = judge_of(shop), 0
    for record in records[:3_000]:
        body = json.loads(record.value or b"")
        if body["source"] == "model":
            lies += 1
            lie = {**body, "slot_text": "{NAME} of {MATERIAL}."}
            assert again.judge(msgspec.json.encode(lie)).differences
        assert again.judge(record.value).differences == ()
    assert lies > 500


def test_features_that_make_another_segment_are_found(again: Again, records: list[DumpRecord]) -> None:
    bodies = [json.loads(record.value or b"") for record in records[:3_000]]
    body = next(each for each in bodies if each["segment"] == "regular" and each["source"] == "model")
    body["features"]["user_profile"]["orders_90d"] = 400
    body["feature_states"]["user_profile"] = "fresh"
    found = {each.field: (each.recorded, each.replayed) for each in again.judge(msgspec.json.encode(body)).differences}
    assert found["segment"] == ("regular", "loyal")


def test_another_spelling_of_the_same_record_is_equal(again: Again, records: list[DumpRecord]) -> None:
    for record in records[:200]:
        body = json.loads(record.value or b"")
        assert again.judge(json.dumps(dict(sorted(body.items())), indent=1).encode()).differences == ()


# --- tokens ---


def shown(records: list[DumpRecord]) -> dict[str, Any]:
    bodies = (json.loads(record.value or b"") for record in records)
    return next(each for each in bodies if each["source"] == "model")  # type: ignore[no-any-return]


def test_without_the_key_what_a_token_says_is_compared(shop: Shop, records: list[DumpRecord], tmp_path: Path) -> None:
    keyless = shop.settings.model_copy(
        update={"tokens": settings_in(tmp_path, tokens={"active": 1}).tokens, "data_dir": str(tmp_path)}
    )
    again, body = judge_of(shop, keyless), shown(records)
    assert again.judge(msgspec.json.encode(body)) == Judged(body["decision_id"], verified=False)
    assert not (tmp_path / "keys").exists(), "no key is made"
    claims = verify(body["token"], {1: KEY})
    assert claims is not None
    body["token"] = sign(msgspec.structs.replace(claims, arm=7), 1, b"another key, as good")
    assert [each.field for each in again.judge(msgspec.json.encode(body)).differences] == ["token.arm"]


def test_a_token_that_says_the_right_thing_under_the_wrong_key_is_found(
    again: Again, records: list[DumpRecord]
) -> None:
    body = shown(records)
    claims = verify(body["token"], {1: KEY})
    assert claims is not None
    body["token"] = sign(claims, 1, b"another key, as good")
    assert [each.field for each in again.judge(msgspec.json.encode(body)).differences] == ["token"]


# --- what cannot be decided again ---


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"policy_version": 999}, Why.POLICY_GONE),
        ({"segment_version": "older"}, Why.OTHER_SEGMENT_RULES),
        ({"experiment": "autumn"}, Why.OTHER_EXPERIMENT),
        ({"experiment_version": 2}, Why.OTHER_EXPERIMENT),
        ({"channel": "sms"}, Why.OTHER_CHANNEL),
        ({"kind": "order_placed"}, Why.NO_TRIGGER),
        ({"time": "yesterday"}, Why.TIME_INVALID),
        ({"catalogue": {"product_id": "p1"}}, Why.CATALOGUE_INVALID),
        ({"features": {"other": {}}}, Why.OTHER_FEATURES),
        ({"features": {"user_profile": 5}, "feature_states": {"user_profile": "fresh"}}, Why.UNDECODABLE),
        ({"eligible": []}, Why.UNDECODABLE),
        ({"event": {"topic": "t", "partition": -1, "offset": 0}}, Why.UNDECODABLE),
    ],
)
def test_what_cannot_be_decided_again_says_why(
    again: Again, records: list[DumpRecord], change: dict[str, Any], why: Why
) -> None:
    assert again.judge(msgspec.json.encode({**shown(records), **change})).why is why


def test_two_snapshots_of_one_version_are_ambiguous(shop: Shop, records: list[DumpRecord]) -> None:
    rules = replay_rules(shop.settings)
    again = Again(rules, {each.version: None for each in shop.snapshots}, Ran(rules.setup.experiment, None))
    judged = again.judge(records[0].value)
    assert judged.why is Why.POLICY_AMBIGUOUS


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff", b"[]", b"{}"])
def test_what_is_no_decision_is_undecodable(again: Again, value: bytes | None) -> None:
    assert again.judge(value).why is Why.UNDECODABLE


def test_an_override_that_a_text_cannot_have_is_found(again: Again, records: list[DumpRecord]) -> None:
    bodies = (json.loads(record.value or b"") for record in records)
    body = next(each for each in bodies if each["override"] == Code.TEXT_TOO_LONG)
    found = again.judge(msgspec.json.encode({**body, "override": "slot_unfilled"}))
    # The text that was drawn is not in the record, and the guard still says the truth.
    assert {each.field for each in found.differences} == {"guard"}
    assert found.taken == "slot_unfilled"
