"""Sketches against the recompute: what counts in them, and that every wrong one is told."""

from collections.abc import Callable, Iterable

import msgspec
import pytest
from feedback_log import DAY, HOUR, RULES, START_MS, Log, cells, line, reach_of, token

from features.aggregates.reach import Reach
from features.aggregates.records import Written
from patter.verify.check import differences
from patter.verify.rules import Difference, OnlineSource, Rules
from schemas.sketches import ALL_TIME, DISTINCT, TOP, Entry, Name, shopper_number
from schemas.token import code_of

P, Q = code_of("p"), code_of("q")
TODAY = START_MS // DAY
RULES_FOR_LONG = msgspec.structs.replace(RULES, lateness_ms=60 * DAY)


def told(log: Log, reach: Written, rules: Rules = RULES) -> list[Difference]:
    """What verify says of a log that is counted right in cells and published with these sketches."""
    through = len(log.records) - 1
    high_ms = max(timestamp for _, timestamp, _ in log.records)
    counted = {cell: (through, counters) for cell, counters in cells(log, rules).items()}
    online = OnlineSource(cells=counted, through=through, high_ms=high_ms, reach=reach)
    return differences({0: log.records}, {0: online}, rules)


def tops(reach: Written, day: int = ALL_TIME) -> dict[str, dict[int, int]]:
    names = [name for name in reach.reach.names() if name.what == TOP and name.day == day]
    return {name.kind: reach.reach.top(name).lows() for name in names}


def shoppers(reach: Written, day: int = ALL_TIME) -> dict[str, int]:
    names = [name for name in reach.reach.names() if name.what == DISTINCT and name.day == day]
    return {name.kind: reach.reach.distinct(name).estimate().value for name in names}


def story() -> Log:
    """Three shoppers, two products, two days; a click without an impression, an order of each way, a refund."""
    log = Log()
    log.shown(token(1), user_id="ann")
    log.shown(token(1), user_id="ann")
    log.shown(token(2), user_id="bob")
    log.clicked(token(3, product=Q), HOUR, user_id="cid")
    log.clicked(token(1), DAY, user_id="ann")
    log.ordered("o", line(1, revenue=700), line(2, "x", revenue=50, token=token(2)), at=DAY, user_id="ann")
    log.ordered("nobody's", line(1, "y"), at=DAY, user_id="dee")
    log.refunded("o", "r", at=DAY + HOUR, user_id="ann")
    log.shown(token(4), DAY + HOUR, user_agent="a bot", user_id="eve")
    return log


def test_what_a_decision_brings_is_its_products_and_its_shoppers() -> None:
    log = story()
    reach = reach_of(log)
    assert tops(reach) == {
        "impressions": {P: 2, Q: 1}, "clicks": {P: 1, Q: 1}, "orders": {P: 2}, "revenue_minor": {P: 750},
    }  # fmt: skip
    assert shoppers(reach) == {"impressions": 3, "clicks": 2, "orders": 1}
    assert tops(reach, TODAY) == {"impressions": {P: 2, Q: 1}, "clicks": {Q: 1}}
    assert shoppers(reach, TODAY + 1) == {"clicks": 1, "orders": 1}
    assert told(log, reach) == []


def test_days_are_kept_for_thirty_after_their_end() -> None:
    log = Log()
    log.shown(token(1), user_id="ann")
    end = (TODAY + 31) * DAY - START_MS
    log.viewed(end - 1)
    assert TODAY in {name.day for name in reach_of(log).reach.names()}
    log.viewed(end)
    assert {name.day for name in reach_of(log).reach.names()} == {ALL_TIME}
    log.shown(token(2, START_MS + end), 0, user_id="bob")
    reach = reach_of(log, RULES_FOR_LONG)
    assert {name.day for name in reach.reach.names()} == {ALL_TIME}
    assert shoppers(reach) == {"impressions": 2}
    assert told(log, reach, RULES_FOR_LONG) == []


def _another_shopper(reach: Reach) -> None:
    reach.take([(0, ALL_TIME, P, 1, shopper_number("mallory"))])


def _one_amount(reach: Reach) -> None:
    reach.take([(3, TODAY + 1, P, 1, 0)])


def _a_day_too_many(reach: Reach) -> None:
    reach.take([(1, TODAY - 1, P, 1, shopper_number("ann"))])


def _the_others_sketch(reach: Reach) -> None:
    reach.put(Name(DISTINCT, "orders", ALL_TIME), reach.data(Name(DISTINCT, "clicks", TODAY)))


@pytest.mark.parametrize(
    ("tamper", "cell", "field"),
    [
        (_another_shopper, "sketch|distinct|impressions|life", "shoppers"),
        (_one_amount, "sketch|top|revenue_minor|life", "total"),
        (_a_day_too_many, "sketch|top|clicks|1d:", "records"),
        # As many, and others.
        (_the_others_sketch, "sketch|distinct|orders|life", "shoppers"),
    ],
)
def test_a_sketch_that_was_tampered_with_is_told(tamper: Callable[[Reach], None], cell: str, field: str) -> None:
    log = story()
    reach = reach_of(log)
    tamper(reach.reach)
    assert any(each.cell.startswith(cell) and each.field == field for each in told(log, reach))


def test_one_that_is_missing_or_ends_too_early_is_told() -> None:
    log = story()
    assert {each.field for each in told(log, Written("life:0"))} == {"records"}
    early, short = reach_of(log), Log()
    short.records = log.records[:4]
    early.reach, early.through = reach_of(short).reach, 3
    assert {(each.cell, each.field) for each in told(log, early)} >= {("sketch|distinct|orders|life", "records")}


def test_it_counts_from_where_it_says_it_does() -> None:
    log = story()
    late = reach_of(log, since=3)
    assert shoppers(late) == {"impressions": 1, "clicks": 2, "orders": 1}
    assert told(log, late) == []
    late.since = 0
    assert told(log, late)


def test_sketches_that_hold_nothing_true_are_told_though_both_sides_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    log, take = story(), Reach.take
    for number in range(200):
        log.shown(token(100 + number), DAY, user_id=f"user-{number}")

    def half(self: Reach, entries: Iterable[Entry]) -> None:
        take(self, [entry for place, entry in enumerate(entries) if place % 2])

    monkeypatch.setattr(Reach, "take", half)
    found = told(log, reach_of(log))
    assert {(each.cell, each.field) for each in found} >= {
        ("sketch|distinct|impressions|life", "exact shoppers"),
        ("sketch|top|impressions|life", "exact total"),
        ("sketch|top|impressions|life", f"exact {P:08x}"),
    }
