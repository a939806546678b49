"""Sums over an arm's shoppers: by hand, against numpy from raw events, and against the recompute in SQL."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from feedback_log import DAY, KEYS, RULES, START_MS, SUMS, Log, line, token

from inference.decide.assign import Holdout, held_out
from patter.verify.check import expected
from schemas.agents import NO_RULES, rules_of_parts
from schemas.decode import decode_event
from schemas.shopper_sums import HELD_OUT, MOST, SHOPPER_DAYS, TREATED, UNIT, counted_weight
from schemas.token import code_of
from streams.collect.changelog import Restoring, changes
from streams.collect.rules import Rules
from streams.collect.source import Source

HOLDOUT = Holdout("x", "salt", 0.5)
BATCH = msgspec.structs.replace(RULES, holdout=HOLDOUT)
ONLINE = Rules(
    keys=KEYS,
    currency="USD",
    agents=rules_of_parts("bot"),
    lateness_ms=7 * DAY,
    max_cells=50_000,
    max_copies=50_000,
    holdout=HOLDOUT,
)


def source_of(log: Log) -> Source:
    source = Source("t:0", ONLINE)
    for offset, timestamp, value in log.records:
        source.take(offset, decode_event(value, timestamp))
        source.counts.expire()
    return source


def cells(source: Source) -> dict[str, dict[str, int]]:
    return {cell.text(): counters for cell, counters in source.counts.everything()}


def sums(log: Log) -> dict[str, int]:
    """collect's sums of the arm; the recompute in SQL has every cell alike."""
    found = cells(source_of(log))
    assert found == expected({0: log.records}, BATCH)[0]
    return found[SUMS]


def test_two_shoppers_by_hand() -> None:
    log = Log()
    for number in (1, 2, 3):
        log.shown(token(number, propensity=1.0), user_id="ann")
    log.clicked(token(1, propensity=1.0), user_id="ann")
    log.clicked(token(1, propensity=1.0), user_id="ann")
    log.shown(token(4, propensity=0.5), user_id="bob")
    assert sums(log) == {
        "shoppers": 2,
        "impressions": (3 + 2) * UNIT,
        "impressions_squared": (9 + 4) * UNIT**2,
        "clicks": UNIT,
        "clicks_squared": UNIT**2,
        "clicks_by_impressions": 3 * UNIT**2,
    }


def test_orders_revenue_and_refunds_are_the_buyers_whoever_sends_the_refund() -> None:
    log = Log()
    said = token(1, propensity=1.0)
    log.clicked(said, user_id="ann")
    log.ordered("o", line(1, revenue=300), line(2, revenue=500), at=1, user_id="ann")
    log.refunded("o", "r", at=2, user_id="somebody")
    found = sums(log)
    assert found["shoppers"] == 1
    assert found["revenue_minor"] == 800 * UNIT
    assert found["revenue_minor_squared"] == (800 * UNIT) ** 2
    assert found["refunds_by_orders"] == UNIT**2
    assert found["clicked_orders_by_clicks"] == found["impressed_orders_by_impressions"] == UNIT**2


def test_a_token_that_two_shoppers_send_is_refunded_to_both() -> None:
    log = Log()
    for user, number in (("ann", 1), ("bob", 2)):
        log.shown(token(1), user_id=user)
        log.ordered("o", line(number, token=token(1)), user_id=user)
    log.refunded("o", "r")
    assert sums(log)["refunds"] == 2 * 2 * UNIT


def test_who_comes_back_after_ninety_days_is_a_new_shopper() -> None:
    log = Log()
    log.shown(token(1))
    log.shown(token(2, START_MS + SHOPPER_DAYS * DAY), SHOPPER_DAYS * DAY)
    assert sums(log)["shoppers"] == 1
    later = (2 * SHOPPER_DAYS + 1) * DAY
    log.shown(token(3, START_MS + later), later)
    found = sums(log)
    assert (found["shoppers"], found["impressions_squared"]) == (2, (16 + 4) * UNIT**2)


@pytest.mark.parametrize("propensity", [0.0, 1e-7])
def test_a_propensity_that_no_policy_logs_counts_for_nothing(propensity: float) -> None:
    log = Log()
    log.shown(token(1, propensity=propensity))
    assert SUMS not in cells(source_of(log))
    assert SUMS not in expected({0: log.records}, BATCH)[0]


def test_amounts_beyond_reason_end_at_a_limit_that_both_know() -> None:
    log = Log()
    log.clicked(token(1, propensity=0.001))
    for number in range(3):
        log.ordered(f"o{number}", line(revenue=10**15), at=1 + number)
    assert sums(log)["revenue_minor_squared"] == MOST**2 > 2**64


def test_past_the_limit_an_arm_is_other() -> None:
    log = Log()
    for number in range(4):
        log.shown(token(number, arm=number + 1), user_id=f"u{number // 2}")
    source = Source(
        "t:0", Rules(keys=KEYS, currency="USD", agents=NO_RULES, lateness_ms=DAY, max_cells=2, max_copies=9)
    )
    for offset, timestamp, value in log.records:
        source.take(offset, decode_event(value, timestamp))
    # Both decisions past the limit are of one shopper.
    assert cells(source)["shoppers|life|ffffffff|ffffffff|ffffffff|ffffffff"]["shoppers"] == 1


def test_sums_come_back_from_the_changelog_and_grow_on() -> None:
    log = random_log(3)
    half = len(log.records) // 2
    whole, first = source_of(log), Source("t:0", ONLINE)
    for offset, timestamp, value in log.records[:half]:
        first.take(offset, decode_event(value, timestamp))
    kept: dict[bytes, Any] = dict(changes(first, first.counts.expire()))
    restoring = Restoring(Source("t:0", ONLINE))
    for key, value in kept.items():
        restoring.put(key, value)
    again = restoring.finish()
    for offset, timestamp, value in log.records[half:]:
        again.take(offset, decode_event(value, timestamp))
        again.counts.expire()
    assert cells(again) == cells(whole)
    assert not first.counts.sums.changed - set(first.counts.sums.known())


def random_log(seed: int) -> Log:
    """A log of three experiments in which shoppers stay away for months, come back, and send each other's tokens."""
    drawn, log, now = random.Random(seed), Log(), 0
    for _ in range(120):
        now += drawn.choice([0, 1_000, 60_000, DAY]) + (40 * DAY if drawn.random() < 0.05 else 0)
        now += 95 * DAY if drawn.random() < 0.03 else 0
        number, user = drawn.randrange(6) + 10 * (now // DAY), drawn.choice("uvw")
        decided = START_MS + now - now % DAY
        propensity = (0.5, 0.25, 1.0)[number % 3]
        said = token(number, decided, experiment=1 + number // 2 % 3, arm=4 + number % 2, propensity=propensity)
        what, day = drawn.random(), now // DAY * 4
        if what < 0.4:
            log.shown(said, now, user_id=user)
        elif what < 0.7:
            log.clicked(said, now, user_id=user)
        elif what < 0.8:
            log.carted(said, now, user_id=user)
        elif what < 0.9:
            order = f"o{drawn.randrange(4) + day}"
            log.ordered(order, line(1, token=said), line(2), at=now, user_id=user)
        else:
            log.refunded(f"o{drawn.randrange(4) + day}", f"r{drawn.randrange(3)}", at=now, user_id=user)
    return log


@pytest.mark.parametrize("seed", range(3))
def test_collect_and_sql_agree_over_months(seed: int) -> None:
    log = random_log(seed)
    assert sums(log)["shoppers"] > 1
    assert sum("before_clicks" in counters for counters in cells(source_of(log)).values()) > 1


def test_numpy_from_raw_events_comes_to_the_same() -> None:
    drawn = np.random.Generator(np.random.PCG64(11))
    p = (1.0, 0.5, 0.2)
    shown = drawn.random((40, 12)) < 0.7
    clicked = shown & (drawn.random((40, 12)) < 0.3)
    log = Log()
    for user in range(40):
        for number in range(12):
            said = token(user * 12 + number, propensity=p[number % 3])
            if shown[user, number]:
                log.shown(said, user_id=f"u{user}")
            if clicked[user, number]:
                log.clicked(said, user_id=f"u{user}")
    weight = np.array([counted_weight(p[number % 3]) for number in range(12)], dtype=object)
    x, y = shown.astype(object) @ weight, clicked.astype(object) @ weight
    found = sums(log)
    told = [found[name] for name in ("impressions", "impressions_squared", "clicks", "clicks_squared")]
    assert told == [x.sum(), (x * x).sum(), y.sum(), (y * y).sum()]
    assert (found["clicks_by_impressions"], found["shoppers"]) == ((x * y).sum(), 40)


def test_orders_are_counted_by_intent_to_treat_whatever_the_token_says() -> None:
    log = Log()
    users = [f"u{number}" for number in range(12)]
    for place, user in enumerate(users):
        # Half of them order with a token of somebody who was shown something, half without any.
        bought = line(revenue=100, token=token(place)) if place % 2 else line(revenue=100)
        log.ordered(f"o{place}", bought, line(2, revenue=20), user_id=user)
    log.ordered("o0", line(3, revenue=7), user_id=users[0])
    log.ordered("o1", line(), at=1, user_id=users[1], currency="EUR")
    found = cells(source_of(log))
    assert found == expected({0: log.records}, BATCH)[0]
    out = [user for user in users if held_out(HOLDOUT, user)]
    assert 2 < len(out) < 10
    for name, group in ((HELD_OUT, out), (TREATED, [user for user in users if user not in out])):
        counters = found[f"shoppers|life|{code_of('x'):08x}|00000000|00000000|{code_of(name):08x}"]
        money = [127 if user == users[0] else 120 for user in group]
        assert counters == {
            "shoppers": len(group),
            "orders": len(group) * UNIT,
            "orders_squared": len(group) * UNIT**2,
            "revenue_minor": sum(money) * UNIT,
            "revenue_minor_squared": sum(each**2 for each in money) * UNIT**2,
        }
