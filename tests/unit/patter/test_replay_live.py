"""Deciding with live inputs: what has changed since, and what would come out otherwise for it."""

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from replay_shop import KEY, Reader, Shop, settings_in, tried

from patter.replay.live import decide_live
from patter.replay.live_result import LiveResult
from patter.replay.rules import replay_rules
from streams.kafka.dump_lines import DumpRecord

DECISIONS = 600


class After:
    """A shop that has decided, and is asked again after something has happened."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(settings_in(folder), steady=True)
        self.records = list(self.shop.run(DECISIONS, batch=DECISIONS))

    def asked(self, reader: Reader | None = None) -> LiveResult:
        rules = replay_rules(self.shop.settings)
        assert rules.keys == {1: KEY}
        states, at_ms = self.shop, self.shop.now_ms + 60_000
        return decide_live(self.records, rules, states, reader or self.shop.reader, at_ms)  # type: ignore[arg-type]


@pytest.fixture
def after(tmp_path: Path) -> After:
    return After(tmp_path)


def test_where_nothing_has_changed_nothing_differs(after: After) -> None:
    found = after.asked()
    assert (found.decisions, found.decided, found.differing, found.unexplained) == (DECISIONS, DECISIONS, 0, 0)
    assert not +found.causes
    assert found.lines() == [f"{DECISIONS} decisions, {DECISIONS} made again, 0 would come out otherwise"]


def test_a_new_policy_is_told_and_draws_others(after: After) -> None:
    after.shop.learn()
    found = after.asked()
    assert found.causes == {"policy_changed": DECISIONS}
    assert 0 < found.by_field["arm"] <= found.differing == found.by_cause["policy_changed"] < DECISIONS
    assert found.unexplained == 0


def test_copy_that_is_gone_is_told_where_it_was_shown(after: After) -> None:
    shop = after.shop
    shop.pool.texts.clear()
    shown = sum(b'"source":"model"' in (record.value or b"") for record in after.records)
    found = after.asked()
    assert found.causes["copy_gone"] == found.by_cause["copy_gone"] == shown > 100
    assert found.causes["arms_changed"] > shown
    assert found.unexplained == 0


def test_products_that_changed_and_are_gone_are_told(after: After) -> None:
    shop = after.shop
    asked = Counter(json.loads(record.value or b"")["product_id"] for record in after.records)
    del shop.catalogue["p1"]
    shop.catalogue["p2"] = msgspec.structs.replace(shop.catalogue["p2"], encoded=msgspec.Raw(b'{"product_id":"p2"}'))
    found = after.asked()
    assert (found.causes["product_gone"], found.causes["product_changed"]) == (asked["p1"], asked["p2"])
    assert found.causes.keys() <= {"product_gone", "product_changed", "arms_changed"}
    assert found.by_field["action"] > 0


def test_features_that_changed_are_told_by_name_and_segments_with_them(after: After) -> None:
    class Later(Reader):
        def read(self, keys, now_ms):  # type: ignore[no-untyped-def]
            rows = super().read(keys, now_ms)
            profiles = rows["user_profile"]
            for name, row in profiles.items():
                if row.values is not None:
                    values = {**row.values, "segment_hint": "lapsed"}
                    profiles[name] = msgspec.structs.replace(row, values=values, encoded=msgspec.json.encode(values))
            return rows

    found = after.asked(Later(after.shop.settings, after.shop.chance, steady=True))
    assert set(found.features) == {"user_profile:segment_hint"}
    assert found.causes["feature_changed"] > found.causes["segment_changed"] > 100
    assert found.by_cause["segment_changed"] > 50
    assert found.unexplained == 0


def test_records_that_are_no_decisions_are_counted_and_passed_over(after: After) -> None:
    after.records[3:5] = [DumpRecord("t", 0, 0, 0, None, value) for value in (None, b"{}")]
    found = after.asked()
    assert (found.decisions, found.decided) == (DECISIONS, DECISIONS - 2)


def test_an_experiment_that_has_started_since_is_told(after: After) -> None:
    (three, running, *_), *_ = tried(after.shop.arms, 10).values()
    assert (three.state, running.state) == ("draft", "running")
    after.shop.publish(running)
    found = after.asked()
    moved = found.causes["experiment_changed"]
    assert DECISIONS / 5 < moved < DECISIONS / 2
    assert found.differing == found.by_cause["experiment_changed"] > moved / 3
    assert (found.causes["arms_changed"], found.unexplained) == (0, 0)
