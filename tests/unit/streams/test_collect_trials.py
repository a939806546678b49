"""Orders by intent to treat in an experiment's own holdout: whose count, when, and what a restart remembers."""

from typing import Any

import msgspec
from feedback_log import KEYS, MINUTE, START_MS, Log, line, token

from inference.experiment.trial_groups import TrialGroups
from patter.verify.check import expected
from patter.verify.rules import Rules as BatchRules
from schemas.agents import rules_of_parts
from schemas.cells import DAY_MS, Cell
from schemas.decode import decode_event
from schemas.experiments import ExperimentRecord
from schemas.shopper_sums import HELD_OUT, TREATED, UNIT, pair_cell
from schemas.token import code_of
from schemas.trial_groups import Tried
from streams.broadcast.experiments import Experiments
from streams.collect.rules import Rules
from streams.collect.source import Source

LIMITS: dict[str, Any] = {"lateness_ms": 7 * DAY_MS, "max_cells": 50, "max_copies": 50}
RULES = Rules(keys=KEYS, currency="USD", agents=rules_of_parts("bot"), **LIMITS)
SPRING = Tried(
    name="spring", salt="s", layer="a", first=0, after=10_000, holdout=0.5,
    started_ms=START_MS, stopped_ms=START_MS + 60 * MINUTE,
)  # fmt: skip
USERS = [f"u{number}" for number in range(40)]
OUT = [user for user in USERS if TrialGroups(None, (SPRING,)).of(user, START_MS) == ("spring", True)]


def cell(group: str) -> str:
    return Cell("shoppers", "life", pair_cell(code_of("spring"), code_of(group))).text()


def counted(log: Log, since: int = 0) -> dict[str, dict[str, int]]:
    """By collect and by the recompute, which have to agree."""
    source = Source("life:0", RULES)
    for offset, timestamp, value in log.records:
        source.try_out((SPRING,) if offset >= since else ())
        source.take(offset, decode_event(value, timestamp))
    batch = BatchRules(keys=KEYS, currency="USD", agents=rules_of_parts("bot"), trials={0: source.trials}, **LIMITS)
    found = {each.text(): counters for each, counters in source.counts.everything()}
    shoppers = {text: counters for text, counters in found.items() if text.startswith("shoppers")}
    wanted = expected({0: log.records}, batch)[0]
    assert shoppers == {text: counters for text, counters in wanted.items() if text.startswith("shoppers")}
    return shoppers


def test_everybody_who_orders_while_it_runs_counts_in_their_group_with_or_without_a_token() -> None:
    log = Log()
    for place, user in enumerate(USERS):
        said = token(place + 1) if place % 2 else None
        log.ordered(f"o{user}", line(token=said), at=5, user_id=user)
        log.ordered(f"o{user}", line(token=said), at=6, user_id=user)
    log.ordered("again", line(), line(2), at=7, user_id=OUT[0])
    found = counted(log)
    assert 10 < len(OUT) < 30
    # Lines are 1,000 each.
    assert found[cell(HELD_OUT)] == {
        "shoppers": len(OUT),
        "revenue_minor": (1_000 * len(OUT) + 2_000) * UNIT,
        "orders": (len(OUT) + 1) * UNIT,
        "revenue_minor_squared": (1_000**2 * (len(OUT) - 1) + 3_000**2) * UNIT**2,
        "orders_squared": (len(OUT) - 1 + 4) * UNIT**2,
    }
    assert found[cell(TREATED)]["shoppers"] == len(USERS) - len(OUT)


def test_what_was_ordered_before_and_after_counts_nowhere() -> None:
    log = Log()
    for user in USERS:
        log.ordered(f"before {user}", line(), at=-1, user_id=user)
        log.ordered(f"after {user}", line(), at=60 * MINUTE, user_id=user)
        # It comes late, and was in time.
        log.ordered(f"in time {user}", line(), at=60 * MINUTE - 1, user_id=user)
    found = counted(log)
    assert found[cell(HELD_OUT)]["orders"] == len(OUT) * UNIT
    assert found[cell(TREATED)]["orders"] == (len(USERS) - len(OUT)) * UNIT


def test_it_counts_from_when_collect_knows_of_it() -> None:
    log = Log()
    for user in USERS:
        log.ordered(f"o{user}", line(), at=5, user_id=user)
    late = counted(log, since=len(USERS) - 3)
    assert sum(late.get(cell(group), {}).get("orders", 0) for group in (HELD_OUT, TREATED)) == 3 * UNIT
    assert counted(log, since=len(USERS)) == {}


def test_the_newest_of_each_is_what_collect_is_told() -> None:
    held = Experiments()
    plan = {"baseline": 0.1, "effect": 0.1, "per_shopper": 1, "design_effect": 1, "power": 0.8, "variance": 1}
    body = {
        "state": "running", "salt": "b", "arms": [{"name": "template"}, {"name": "warm"}], "metric": "ctr",
        "direction": "higher_is_better", "rule": {"max_shoppers": 5}, "time_ms": 1, "by": "a", "why": "w",
        "plan": {**plan, "shoppers_fixed": 1, "shoppers_always_valid": 1},
    }  # fmt: skip
    for name, version in (("b", 2), ("a", 1), ("b", 1)):
        held.take(msgspec.convert({**body, "name": name, "version": version}, ExperimentRecord))
    assert [each.key() for each in held.newest()] == ["a|1", "b|2"]
