"""Which experiments ran when a decision was made: what follows from their records, and what is told otherwise."""

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from replay_shop import START_MS, Shop, settings_in, tried

from inference.decide.assign import Experiment, held_out
from inference.decide.policy import Policy
from inference.decide.replay import Why
from inference.experiment.assignment import Running, arm_of
from patter.replay.again import Again, Judged
from patter.replay.experiments import NEAR_MS, Ran
from patter.replay.rules import replay_rules
from schemas.experiments import ExperimentRecord
from streams.kafka.dump_lines import DumpRecord

DECISIONS = 2_000
OWN = Experiment(name="spring", version=3, salt="s", holdout=0.05, recipes=())
STORY = tried(("warm", "bold"), 10)
THREE = next(each for each in STORY[1] if each.name == "three" and each.state == "running")
OVER = STORY[6][0]
SHOPPER = next(f"u{n}" for n in range(100) if Running([THREE]).placement(f"u{n}") and not held_out(OWN, f"u{n}"))
NOW_MS = START_MS


def line(version: ExperimentRecord, at_ms: int) -> DumpRecord:
    return DumpRecord("experiments", 0, 0, at_ms, version.key().encode(), msgspec.json.encode(version))


def test_the_experiments_of_the_moment_hold() -> None:
    ran = Ran(OWN, [line(THREE, NOW_MS), line(OVER, NOW_MS + 500_000)])
    found = ran.when(NOW_MS + 100_000, SHOPPER, ("three", 2))
    assert (found.mode, found.apart_ms, found.running.records) == ("fixed", 0, (THREE,))
    assert found.placement is not None
    assert found.placement.arm == arm_of(THREE, SHOPPER)
    assert ran.when(NOW_MS - NEAR_MS - 1, SHOPPER, ("spring", 3)).mode == "settings"
    assert ran.when(NOW_MS + 500_000 + NEAR_MS + 1, SHOPPER, ("three", 2)).mode == "settings"


@pytest.mark.parametrize(
    ("moment_ms", "whose", "apart_ms"),
    [
        (-NEAR_MS, ("three", 2), NEAR_MS),
        (-1, ("three", 2), 1),
        (-1, ("spring", 3), 0),
        (0, ("three", 2), 0),
        (NEAR_MS, ("spring", 3), NEAR_MS),
        (500_000 + NEAR_MS, ("three", 2), NEAR_MS),
    ],
)
def test_a_clock_that_is_a_minute_off_is_told(moment_ms: int, whose: tuple[str, int], apart_ms: int) -> None:
    ran = Ran(OWN, [line(THREE, NOW_MS), line(OVER, NOW_MS + 500_000)])
    found = ran.when(NOW_MS + moment_ms, SHOPPER, whose)
    assert found.apart_ms == apart_ms
    assert (found.mode == "settings") == (whose == ("spring", 3))


def test_further_away_what_ran_at_the_moment_holds_whatever_the_record_says() -> None:
    ran = Ran(OWN, [line(THREE, NOW_MS)])
    assert ran.when(NOW_MS - NEAR_MS - 1, SHOPPER, ("three", 2)).mode == "settings"
    assert ran.when(NOW_MS + NEAR_MS + 1, SHOPPER, ("spring", 3)).mode == "fixed"


def test_what_is_no_version_is_passed_over_and_drafts_change_nothing() -> None:
    draft = next(each for each in STORY[1] if each.name == "three" and each.state == "draft")
    ran = Ran(OWN, [line(draft, NOW_MS - 9), DumpRecord("experiments", 0, 1, NOW_MS, b"x", b"{}"), line(THREE, NOW_MS)])
    assert ran.records == 2
    assert ran.when(NOW_MS + 9, SHOPPER, ("three", 2)).running.records == (THREE,)
    assert (Ran(OWN, []).records, Ran(OWN, None).records) == (0, None)
    assert Ran(OWN, None).when(NOW_MS, SHOPPER, ("three", 2)).mode == "settings"


def test_two_records_of_one_version_are_ambiguous() -> None:
    ran = Ran(OWN, [line(THREE, NOW_MS), line(msgspec.structs.replace(THREE, salt="other"), NOW_MS)])
    assert ran.ambiguous("three", 2)
    assert not Ran(OWN, [line(THREE, NOW_MS), line(THREE, NOW_MS)]).ambiguous("three", 2)


# --- whole records ---


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(settings_in(tmp_path_factory.mktemp("replay")), tries=True)


@pytest.fixture(scope="module")
def records(shop: Shop) -> list[DumpRecord]:
    return list(shop.run(DECISIONS, batch=50))


def judged(shop: Shop, records: list[DumpRecord], versions: list[DumpRecord] | None) -> list[Judged]:
    rules = replay_rules(shop.settings)
    again = Again(rules, {each.version: Policy(each) for each in shop.snapshots}, Ran(rules.setup.experiment, versions))
    return [again.judge(record.value) for record in records]


def names(records: list[DumpRecord]) -> Counter[str]:
    return Counter(json.loads(record.value or b"")["experiment"] for record in records)


def test_without_their_records_decisions_of_experiments_are_not_replayed(shop: Shop, records: list[DumpRecord]) -> None:
    found, known = judged(shop, records, None), names(records)
    assert Counter(each.why for each in found) == {
        None: known["spring"],
        Why.OTHER_EXPERIMENT: DECISIONS - known["spring"],
    }
    assert not any(each.differences for each in found)


def test_where_two_records_have_one_version_its_decisions_are_not_replayed(
    shop: Shop, records: list[DumpRecord]
) -> None:
    other = msgspec.structs.replace(THREE, salt="other")
    twice = [*shop.versions, line(other, shop.now_ms + 10 * NEAR_MS)]
    found = Counter(each.why for each in judged(shop, records, twice))
    assert found[Why.EXPERIMENT_AMBIGUOUS] == names(records)["three"] > 50


def test_a_serve_that_passed_over_an_experiment_is_found(tmp_path: Path) -> None:
    shop = Shop(settings_in(tmp_path))
    records = list(shop.run(600))
    found = judged(shop, records, [line(THREE, START_MS - 10 * NEAR_MS)])
    differing = [each for each in found if each.differences]
    users = [json.loads(record.value or b"")["user_id"] for record in records]
    placed = sum(
        Running([THREE]).placement(user) is not None and not held_out(shop._worker._setup.experiment, user)
        for user in users
    )
    assert len(differing) == placed > 100
    assert all("experiment" in {told.field for told in each.differences} for each in differing)


def test_a_salt_that_was_altered_later_is_found(shop: Shop, records: list[DumpRecord]) -> None:
    altered = [
        msgspec.structs.replace(each, value=(each.value or b"").replace(b'"salt":"three"', b'"salt":"four"'))
        for each in shop.versions
    ]
    found = judged(shop, records, altered)
    wrong = [record for record, each in zip(records, found, strict=True) if each.differences]
    assert names(wrong).keys() == {"three"}
    assert len(wrong) > names(records)["three"] / 4
