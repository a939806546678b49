"""Shares of the best arm and regret, counted by hand."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from heard import ARMS

from inference.decide.intervals import wilson
from patter.demo.audience_truth import TruthTable
from patter.demo.regret import BestShares, Choice, Regret

TRUTH = TruthTable(1, ARMS)
BEGIN = datetime(2026, 9, 21, tzinfo=UTC)
BEST = TRUTH.best("shoes", "new")
CTRS = {arm: truth.ctr for arm, truth in TRUTH.of("shoes", "new").items()}
WORST = min(CTRS, key=lambda arm: CTRS[arm])


def _choice(second: float, arm: str | None = BEST, **changes: object) -> Choice:
    fields: dict[str, object] = {
        "time": BEGIN + timedelta(seconds=second),
        "category": "shoes",
        "action": "show",
        "segment": "new",
        "arm": arm,
        "eligible": dict.fromkeys(ARMS, 0.25),
        "policy_version": 1,
    }
    return Choice(**{**fields, **changes})  # type: ignore[arg-type]


def _filled(number: int) -> Regret:
    """The best arm in every fourth choice of the first half, and in all of the second. The last are added first."""
    regret = Regret(TRUTH)
    for place in reversed(range(number)):
        regret.choice(_choice(place, BEST if place >= number / 2 or place % 4 == 0 else WORST))
    return regret


def test_the_fifths_are_those_by_time() -> None:
    shares = _filled(1_000).shares()
    assert (shares.decisions, shares.first, shares.last) == (1_000, 0.25, 1.0)
    assert shares.last_low == round(wilson(200, 200)[0], 4)


def test_regret_is_what_the_best_arm_would_have_been_clicked_more() -> None:
    shares = _filled(1_000).shares()
    lost = CTRS[BEST] - CTRS[WORST]
    assert shares.regret_per_1000 == pytest.approx(375 * lost, abs=0.01)
    assert shares.uniform_regret_per_1000 == pytest.approx(1000 * (CTRS[BEST] - sum(CTRS.values()) / 4), abs=0.01)


def test_under_five_hundred_there_is_nothing_to_tell() -> None:
    assert _filled(499).shares() == BestShares(decisions=499)
    assert _filled(500).shares().first is not None


def test_only_choices_among_all_arms_count() -> None:
    regret = Regret(TRUTH)
    for choice in (
        _choice(0, eligible={ARMS[0]: 1.0}),
        _choice(1, eligible=dict.fromkeys((*ARMS, "more"), 0.2)),
        _choice(2, action="none"),
        _choice(3, None),
        _choice(4, category=None),
    ):
        regret.choice(choice)
    assert regret.shares().decisions == 0
    regret.choice(_choice(5))
    assert regret.shares().decisions == 1


def test_the_newest_choices_are_told_apart() -> None:
    regret = Regret(TRUTH)
    for place in range(10):
        regret.choice(_choice(place, BEST if place >= 7 else WORST))
    assert regret.recent(4) == 0.75
    assert regret.recent(10) == 0.3
    assert regret.recent(11) is None


def test_the_age_of_the_policy_is_the_median_over_choices() -> None:
    regret = Regret(TRUTH)
    begin_ms = int(BEGIN.timestamp() * 1000)
    for second, version in ((10, 1), (11, 2), (12, 2), (20, 3)):
        regret.choice(_choice(second, policy_version=version))
    made = {1: begin_ms, 2: begin_ms + 10_500, 3: begin_ms + 19_900}
    assert regret.policy_age_s(made) == pytest.approx(0.5, abs=1e-3)
    assert regret.policy_age_s({1: begin_ms}) == pytest.approx(10.0, abs=1e-3)
    assert regret.policy_age_s({}) is None


def test_a_record_is_read_as_it_stands_on_the_topic() -> None:
    regret = Regret(TRUTH)
    record = msgspec.json.decode(msgspec.json.encode(_choice(1)))
    record |= {"time": "2026-09-21T14:13:20.123Z", "user_id": "u", "features": {}}
    regret.add(msgspec.json.encode(record))
    assert regret.shares().decisions == 1
    with pytest.raises(msgspec.DecodeError):
        regret.add(b"{")
    with pytest.raises(msgspec.DecodeError):
        regret.add(None)
