"""The SQL recompute on hand-made logs, counted by hand: a test for each rule of docs/feedback.md."""

import msgspec
import pytest
from feedback_log import ARM, COPY, DAY, HOUR, LIFE, MINUTE, RULES, START_MS, SUMS, TEXT, TOTAL, Log, cells, line, token

from patter.verify.check import expected
from patter.verify.rules import Rules
from schemas.shopper_sums import UNIT
from schemas.token import code_of


def total(log: Log, rules: Rules = RULES) -> dict[str, int]:
    return cells(log, rules)[TOTAL]


def test_an_impression_is_counted_in_every_bucket_and_the_total() -> None:
    log = Log()
    log.shown(token(1), 70_000)
    one = {"impressions": 1}
    assert cells(log) == {
        f"flow|1m:1780000080|{ARM}": one,
        f"cohort|5m:1779999900|{ARM}": one,
        f"cohort|1d:1779926400|{ARM}": one,
        LIFE: one,
        f"copy|1d:1779926400|{COPY}": one,
        TEXT: one,
        # Seen with a propensity of a half.
        SUMS: {"shoppers": 1, "impressions": 2 * UNIT, "impressions_squared": 4 * UNIT * UNIT},
        TOTAL: {"events": 1, "impressions": 1},
    }


def test_ten_times_is_once() -> None:
    log = Log()
    for _ in range(10):
        log.shown(token(1))
        log.clicked(token(1))
        log.carted(token(1))
        log.ordered("o", line(token=token(1)))
        log.refunded("o", "r")
    counted = {
        "impressions": 1, "clicks": 1, "carts": 1, "orders": 1, "order_lines": 1, "revenue_minor": 1_000, "refunds": 1,
        "refunded_minor": 1_000,
    }  # fmt: skip
    assert cells(log)[LIFE] == counted | {"clicked_carts": 1, "clicked_orders": 1, "impressed_orders": 1}
    assert total(log) == counted | {"events": 50, "duplicates": 45, "match_token": 1}


def test_an_event_that_was_decided_twice_is_one_decision_and_the_first_token_holds() -> None:
    log = Log()
    log.shown(token(1), 0)
    log.clicked(token(1, START_MS + HOUR, arm=5, copy=7), HOUR)
    log.shown(token(1, START_MS + HOUR, arm=5, copy=7), HOUR)
    cells = expected({0: log.records}, RULES)[0]
    assert cells[f"cohort|life|{ARM}"] == {"impressions": 1, "clicks": 1}
    assert cells[TOTAL]["duplicates"] == 1
    assert not any(cell.endswith(("5", "7")) for cell in cells)


@pytest.mark.parametrize(("behind", "carts"), [(0, 1), (1, 2)])
def test_a_decision_is_known_until_its_time_lies_seven_days_back(behind: int, carts: int) -> None:
    log = Log()
    log.carted(token(1), 0)
    now = 7 * DAY + behind
    log.carted(token(1, START_MS + now), now)
    assert expected({0: log.records}, RULES)[0][TOTAL]["carts"] == carts


def test_a_token_counts_for_each_shopper_who_sends_it() -> None:
    log = Log()
    for user in ("u", "v", "u"):
        log.shown(token(1), user_id=user)
    log.clicked(token(1), user_id="w")
    log.ordered("a", line(token=token(1)), user_id="v")
    log.ordered("b", line(token=token(1)), user_id="w")
    assert cells(log)[LIFE] == {
        "impressions": 3, "imputed": 1, "clicks": 1, "orders": 2, "order_lines": 2, "revenue_minor": 2_000,
        "clicked_orders": 1, "impressed_orders": 2,
    }  # fmt: skip
    assert total(log)["duplicates"] == 1


def test_a_click_before_its_impression_imputes_one_and_the_impression_is_a_duplicate() -> None:
    log = Log()
    log.clicked(token(1))
    log.shown(token(1))
    assert cells(log)[LIFE] == {"impressions": 1, "imputed": 1, "clicks": 1}
    assert total(log) == {"events": 2, "impressions": 1, "imputed": 1, "clicks": 1, "duplicates": 1}


@pytest.mark.parametrize(("behind", "late"), [(7 * DAY - 1, 0), (7 * DAY, 0), (7 * DAY + 1, 1)])
def test_late_is_more_than_the_limit_behind_the_newest_event(behind: int, late: int) -> None:
    log = Log()
    log.viewed(0)
    log.viewed(-behind)
    assert total(log).get("late", 0) == late
    shorter = msgspec.structs.replace(RULES, lateness_ms=HOUR)
    assert total(log, shorter)["late"] == 1


def test_what_is_rejected_moves_no_clock_and_what_is_late_is_no_feedback() -> None:
    log = Log()
    log.raw(b"{")
    log.raw(None)
    ahead = Log()
    ahead.viewed(5 * DAY)
    log.raw(ahead.records[0][2])
    log.shown(token(1, START_MS))
    log.viewed(7 * DAY + 1)
    log.clicked(token(1, START_MS + 7 * DAY), 0)
    assert total(log) == {"rejected": 3, "events": 3, "impressions": 1, "late": 1}


def test_bots_are_suppressed_where_they_would_count_and_nowhere_else() -> None:
    log = Log()
    agent = {"user_agent": "GoogleBOT/2"}
    log.viewed(**agent)
    log.carted(None, **agent)
    for place in (log.shown, log.clicked, log.carted):
        place(token(1), **agent)
    log.ordered("o", line(token="forged"), **agent)
    log.refunded("o", "r", **agent)
    assert total(log) == {"events": 7, "suppressed": 5, "suppressed:bot": 5}


def test_tokens_that_are_none() -> None:
    log = Log()
    good = token(1)
    foreign, unknown = token(1, key=b"fedcba9876543210"), token(1, key_id=2)
    for bad in ("", "x", good[:-1], "B" + good[1:], foreign, unknown):
        log.shown(bad)
    assert total(log) == {"events": 6, "token_invalid": 6}
    log = Log()
    log.shown(token(2, START_MS - 7 * DAY))
    log.shown(token(3, START_MS - 7 * DAY - 1))
    log.shown(token(4, START_MS - 7 * DAY - 1, holdout=True))
    for barred in ({"holdout": True}, {"excluded": True}, {"arm": 0}):
        log.clicked(token(5, **barred))
    assert total(log) == {"events": 6, "impressions": 1, "token_expired": 2, "excluded": 3}


def test_tokens_are_judged_in_each_place_also_of_duplicates() -> None:
    log = Log()
    lines = (line(1, token="forged"), line(2, token=token(1, holdout=True)), line(3))
    for _ in range(2):
        log.ordered("o", *lines, token="forged too")
    assert total(log) == {
        "events": 2, "token_invalid": 4, "excluded": 2, "orders": 1, "order_lines": 3, "revenue_minor": 3_000,
        "match_none": 3, "duplicates": 1,
    }  # fmt: skip


def test_two_orders_on_one_decision_are_one_order_with_two_lines() -> None:
    log = Log()
    log.shown(token(1))
    log.ordered("a", line(token=token(1)))
    log.ordered("b", line(token=token(1)))
    assert cells(log)[LIFE] == {
        "impressions": 1, "orders": 1, "order_lines": 2, "revenue_minor": 2_000, "impressed_orders": 1,
    }  # fmt: skip
    assert total(log)["orders"] == 2


def test_an_order_that_comes_again_with_a_new_line_counts_that_line() -> None:
    log = Log()
    log.ordered("o", line(1), line("1", revenue=5), line(2))
    log.ordered("o", line(2), line(3, revenue=7))
    assert total(log) == {"events": 2, "orders": 1, "order_lines": 3, "revenue_minor": 2_007, "match_none": 3}


def test_another_currency_is_counted_and_its_revenue_is_not() -> None:
    log = Log()
    log.ordered("o", line(1, token=token(1)), line(2), currency="EUR")
    log.ordered("o", line(1), currency="EUR")
    log.refunded("o", "r", {"line": 1, "revenue_minor": 5})
    assert cells(log)[LIFE] == {"orders": 1, "order_lines": 1, "refunds": 1}
    assert total(log) == {
        "events": 3, "orders": 1, "order_lines": 2, "currency_mismatch": 1, "match_token": 1, "match_none": 1,
        "duplicates": 1, "refunds": 1,
    }  # fmt: skip


def test_the_orders_token_goes_to_lines_of_its_product_only() -> None:
    log = Log()
    log.ordered("o", line(1, "p"), line(2, "q"), line(3, "q", token=token(2)), token=token(1))
    assert total(log)["match_token"] == 2
    assert total(log)["match_none"] == 1


@pytest.mark.parametrize(
    ("age", "matched"),
    [(0, "match_inferred"), (7 * DAY, "match_inferred"), (7 * DAY + 1, "match_none"), (-1, "match_none")],
)
def test_a_click_is_answered_for_seven_days(age: int, matched: str) -> None:
    log = Log()
    log.clicked(token(1, START_MS - age), -age)
    log.ordered("o", line())
    assert total(log)[matched] == 1


@pytest.mark.parametrize(("age", "matched"), [(DAY, "match_inferred"), (DAY + 1, "match_none")])
def test_an_impression_is_answered_for_a_day(age: int, matched: str) -> None:
    log = Log()
    log.shown(token(1, START_MS - age), -age)
    log.ordered("o", line())
    assert total(log)[matched] == 1


def test_a_click_goes_before_a_later_impression_and_of_two_the_last_wins() -> None:
    log = Log()
    log.clicked(token(1, arm=11), -3_000)
    log.clicked(token(2, arm=12), -2_000)
    log.clicked(token(3, arm=13), -2_000)
    log.shown(token(4, arm=14), -1_000)
    log.clicked(token(5, arm=15), 1)
    log.clicked(token(6, arm=16, product=code_of("q")), -500)
    log.clicked(token(7, arm=17), -500, user_id="another")
    log.ordered("o", line())
    credited = [cell for cell, counters in cells(log).items() if "orders" in counters and "cohort|life|" in cell]
    assert credited == ["cohort|life|00000001|00000002|00000003|0000000d"]


def test_sessions_match_where_both_have_the_same() -> None:
    for touch, order, matched in (
        ("s", "s", "match_session"), ("s", "t", "match_inferred"), (None, None, "match_inferred"),
        ("", "", "match_inferred"), ("s", None, "match_inferred"),
    ):  # fmt: skip
        log = Log()
        log.shown(token(1), session_id=touch)
        log.ordered("o", line(), session_id=order)
        assert total(log)[matched] == 1


@pytest.mark.parametrize(("others", "matched"), [(19, "match_inferred"), (20, "match_none")])
def test_only_the_newest_twenty_touches_are_looked_at_those_after_the_order_among_them(
    others: int, matched: str
) -> None:
    log = Log()
    log.clicked(token(1), -1_000)
    for number in range(others):
        log.shown(token(2 + number, product=code_of("q")), 1_000 if number % 2 else -999)
    log.ordered("o", line())
    log.ordered("late", line(), at=-1_000)
    assert total(log).get(matched) == 2


def test_an_imputed_impression_and_a_duplicate_are_no_touches() -> None:
    log = Log()
    log.clicked(token(1, START_MS - DAY), -DAY)
    log.shown(token(1, START_MS - DAY), -1)
    log.clicked(token(1, START_MS - DAY), -1)
    log.ordered("o", line(), at=6 * DAY + 1)
    assert total(log)["match_none"] == 1


def test_refunds_of_what_is_not_known() -> None:
    log = Log()
    log.refunded("never", "r")
    log.refunded("never", "r", {"line": 1})
    log.ordered("o", line(1))
    log.refunded("o", "r", {"line": 2}, {"line": 3})
    log.refunded("o", "r")
    assert total(log) == {
        "events": 5, "orders": 1, "order_lines": 1, "revenue_minor": 1_000, "match_none": 1, "refund_unknown": 4,
        "refunds": 1, "duplicates": 1,
    }  # fmt: skip


def test_amounts_of_refunds() -> None:
    log = Log()
    log.ordered("o", line(1, revenue=1_000, quantity=3, token=token(1)), line(2, revenue=50, token=token(1)), line(3))
    log.refunded("o", "a", {"line": 1, "quantity": 2})
    assert total(log)["refunded_minor"] == 666
    log.refunded("o", "b", {"line": 1, "revenue_minor": 7, "quantity": 3})
    assert total(log)["refunded_minor"] == 673
    log.refunded("o", "c", {"line": 1}, {"line": 2})
    assert total(log)["refunded_minor"] == 673 + 1_050
    log.refunded("o", "d", {"line": 1, "quantity": 9})
    assert total(log)["refunded_minor"] == 673 + 1_050 + 1_000
    log.refunded("o", "e")
    log.ordered("o", line(4))
    assert total(log)["refunded_minor"] == 673 + 1_050 + 1_000 + 2_050
    # Five refunds of one decision; line 3 is credited to none.
    assert cells(log)[LIFE]["refunds"] == 5
    assert cells(log)[LIFE]["refunded_minor"] == 673 + 1_050 + 1_000 + 1_050


@pytest.mark.parametrize(("days", "extra", "known"), [(30, 0, True), (30, 1, False)])
def test_an_order_is_known_for_thirty_days(days: int, extra: int, known: bool) -> None:
    log = Log()
    log.ordered("o", line(1))
    log.ordered("o", line(2), at=DAY)
    log.refunded("o", "r", at=days * DAY + extra)
    log.ordered("o", line(1), at=days * DAY + extra)
    log.refunded("o", "s", at=days * DAY + extra)
    counted = total(log)
    assert counted.get("refund_unknown", 0) == (0 if known else 1)
    assert counted["orders"] == (1 if known else 2)
    assert counted.get("duplicates", 0) == (1 if known else 0)
    assert counted["refunded_minor"] == (4_000 if known else 1_000)


def test_carts_and_orders_before_the_click_are_clicked_ones_when_it_comes() -> None:
    log = Log()
    log.carted(token(1), 0)
    log.ordered("o", line(token=token(1)), at=MINUTE)
    log.clicked(token(1), 2 * MINUTE)
    minute = (START_MS + 2 * MINUTE) // MINUTE * 60
    assert cells(log)[f"flow|1m:{minute}|{ARM}"] == {
        "impressions": 1, "imputed": 1, "clicks": 1, "clicked_carts": 1, "clicked_orders": 1, "impressed_orders": 1,
    }  # fmt: skip


def test_a_bucket_is_counted_in_until_its_end_plus_its_time_lies_at_high() -> None:
    minute = START_MS // MINUTE * MINUTE
    five = START_MS // (5 * MINUTE) * 5 * MINUTE
    log = Log()
    log.shown(token(1))
    kept = {cell.partition(":")[0] for cell in cells(log)}
    assert kept == {"flow|1m", "cohort|5m", "cohort|1d", "copy|1d", LIFE, TEXT, SUMS, TOTAL}
    log.viewed(minute + MINUTE + 2 * HOUR - 1 - START_MS)
    assert any(cell.startswith("flow") for cell in cells(log))
    log.viewed(minute + MINUTE + 2 * HOUR - START_MS)
    assert not any(cell.startswith("flow") for cell in cells(log))
    assert any("5m" in cell for cell in cells(log))
    log.viewed(five + 5 * MINUTE + 2 * HOUR - START_MS)
    assert not any("5m" in cell for cell in cells(log))
    log.clicked(token(1), 0)
    after = cells(log)
    assert after[LIFE] == {"impressions": 1, "clicks": 1}
    assert sorted(after)[0].startswith("cohort|1d:")
    assert len(after) == 6
    end = START_MS // DAY * DAY + DAY
    log.viewed(end + 14 * DAY - 1 - START_MS)
    assert any(cell.startswith("copy|1d") for cell in cells(log))
    log.viewed(end + 14 * DAY - START_MS)
    assert not any(cell.startswith("copy|1d") for cell in cells(log))
    log.viewed(31 * DAY)
    assert set(cells(log)) == {LIFE, TEXT, SUMS, TOTAL}


def test_partitions_are_sources_of_their_own() -> None:
    log = Log()
    log.shown(token(1))
    log.ordered("o", line())
    counted = expected({0: log.records, 3: log.records, 5: []}, RULES)
    assert counted[0] == counted[3]
    assert counted[0][TOTAL]["match_inferred"] == 1
    assert counted[5] == {}
