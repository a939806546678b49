"""The SQL recompute of texts, and of what lies past the limits of arms and texts, counted by hand."""

import msgspec
from feedback_log import COPY, DAY, LIFE, RULES, TEXT, Log, cells, line, token


def test_arm_cells_past_the_limit_are_others_from_their_first_count_on() -> None:
    log = Log()
    for number, arm in enumerate((1, 2, 3, 1, 4, 3)):
        log.shown(token(number, arm=arm))
    two = msgspec.structs.replace(RULES, max_cells=2)
    life = {cell[12:]: counters["impressions"] for cell, counters in cells(log, two).items() if "t|life" in cell}
    prefix = "00000001|00000002|00000003|"
    assert life == {f"{prefix}00000001": 2, f"{prefix}00000002": 1, "ffffffff|" * 3 + "ffffffff": 3}


def test_a_text_is_counted_over_all_its_time_as_its_cohort_is() -> None:
    log = Log()
    log.shown(token(1))
    log.clicked(token(2, copy=7))
    log.carted(token(1))
    log.ordered("o", line(token=token(2, copy=7)), line(2, token=token(1)))
    log.refunded("o", "r", {"line": 1, "revenue_minor": 30})
    log.viewed(40 * DAY)
    counted = {cell: counters for cell, counters in cells(log).items() if cell.startswith("copy|life")}
    assert counted == {
        TEXT: {
            "impressions": 1, "carts": 1, "orders": 1, "order_lines": 1, "revenue_minor": 1_000, "impressed_orders": 1,
        },
        f"copy|life|{COPY[:-2]}07": {
            "impressions": 1, "imputed": 1, "clicks": 1, "orders": 1, "order_lines": 1, "revenue_minor": 1_000,
            "refunds": 1, "refunded_minor": 30, "clicked_orders": 1, "impressed_orders": 1,
        },
    }  # fmt: skip


def test_a_token_that_names_no_text_is_in_no_copy_cell() -> None:
    log = Log()
    log.shown(token(1, copy=0))
    log.shown(token(2, copy=0xFFFFFFFF))
    found = {cell for cell in cells(log) if cell.startswith("copy")}
    assert found == {f"copy|life|{COPY[:-8]}ffffffff", f"copy|1d:1779926400|{COPY[:-8]}ffffffff"}
    assert cells(log)[LIFE] == {"impressions": 2}


def test_texts_past_the_limit_are_others_from_their_first_count_on() -> None:
    log = Log()
    for number, text in enumerate((1, 2, 3, 1, 4, 3)):
        log.shown(token(number, copy=text))
    two = msgspec.structs.replace(RULES, max_copies=2)
    prefix = "00000001|00000002|00000003|"
    for family in ("copy|life|", "copy|1d:1779926400|"):
        counted = {
            cell.removeprefix(family): counters["impressions"]
            for cell, counters in cells(log, two).items()
            if cell.startswith(family)
        }
        assert counted == {f"{prefix}00000001": 2, f"{prefix}00000002": 1, "ffffffff|" * 3 + "ffffffff": 3}
    assert cells(log, two)[LIFE] == {"impressions": 6}
