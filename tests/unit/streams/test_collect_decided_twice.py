"""An event that serve decided twice, under one decision id: what its first token says holds, for seven days. Each case
by hand, and the recompute in SQL has every cell alike.
"""

import pytest
from feedback_log import ARM, DAY, HOUR, KEYS, RULES, START_MS, TOTAL, Log, line, token

from patter.verify.check import expected
from schemas.agents import rules_of_parts
from schemas.decode import decode_event
from streams.collect.rules import Rules
from streams.collect.source import Source

ONLINE = Rules(
    keys=KEYS,
    currency="USD",
    agents=rules_of_parts("bot"),
    lateness_ms=RULES.lateness_ms,
    max_cells=RULES.max_cells,
    max_copies=RULES.max_copies,
)
OTHER = f"cohort|life|{ARM[:-1]}5"


def cells(log: Log) -> dict[str, dict[str, int]]:
    source = Source("t:0", ONLINE)
    for offset, timestamp, value in log.records:
        source.take(offset, decode_event(value, timestamp))
        source.counts.expire()
    found = {cell.text(): counters for cell, counters in source.counts.everything()}
    assert found == expected({0: log.records}, RULES)[0]
    return found


def test_the_first_token_says_where_it_counts() -> None:
    log = Log()
    log.shown(token(1))
    log.clicked(token(1, START_MS + HOUR, arm=5, copy=7), HOUR)
    log.shown(token(1, START_MS + HOUR, arm=5, copy=7), HOUR)
    found = cells(log)
    assert found[f"cohort|life|{ARM}"] == {"impressions": 1, "clicks": 1}
    assert OTHER not in found
    assert found[TOTAL]["duplicates"] == 1


@pytest.mark.parametrize(("behind", "carts"), [(0, 1), (1, 2)])
@pytest.mark.parametrize("looks", [0, 1])
def test_it_is_known_for_seven_days_whatever_the_shopper_does_meanwhile(behind: int, carts: int, looks: int) -> None:
    log, now = Log(), 7 * DAY + behind
    log.carted(token(1))
    for _ in range(looks):
        log.viewed(now)
    log.carted(token(1, START_MS + now), now)
    assert cells(log)[TOTAL]["carts"] == carts


def test_after_that_it_is_another_one_and_an_order_may_have_lines_of_both() -> None:
    log = Log()
    log.clicked(token(1))
    log.ordered("o", line(1, revenue=1_000), at=6 * DAY)
    log.viewed(9 * DAY)
    log.ordered("o", line(2, revenue=5, token=token(1, START_MS + 9 * DAY, arm=5)), at=9 * DAY)
    log.refunded("o", "r", at=9 * DAY)
    found = cells(log)
    assert found[f"cohort|life|{ARM}"]["refunded_minor"] == 1_000
    assert found[OTHER]["refunded_minor"] == 5


def test_a_touch_of_an_old_one_is_answered_still() -> None:
    log = Log()
    log.clicked(token(1), at=3 * DAY)
    log.viewed(8 * DAY)
    log.clicked(token(1, START_MS + 8 * DAY, arm=5), at=8 * DAY)
    log.ordered("o", line(), at=7 * DAY)
    found = cells(log)
    assert found[f"cohort|life|{ARM}"]["orders"] == 1
    assert found[OTHER] == {"impressions": 1, "imputed": 1, "clicks": 1}
