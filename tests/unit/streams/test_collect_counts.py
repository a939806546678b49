"""What collect counts: each rule of docs/feedback.md by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.agents import NO_RULES, rules_of_parts
from schemas.decode import Rejection, decode_event
from schemas.errors import Code
from schemas.events import Event
from schemas.token import Claims, code_of, sign
from streams.collect.rules import Rules
from streams.collect.source import Source

NOW_MS = 1_780_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
KEYS = {1: b"k" * 32}
RULES = Rules(
    keys=KEYS, currency="USD", agents=rules_of_parts("bot"), lateness_ms=7 * DAY, max_cells=50_000, max_copies=50_000
)


def moment(after_ms: int) -> datetime:
    return datetime.fromtimestamp((NOW_MS + after_ms) / 1000, UTC)


def token(number: int, at: int = 0, arm: str = "warm", product: str = "p1", **changes: Any) -> str:
    claims: dict[str, Any] = {
        "decision_id": number.to_bytes(16, "little"),
        "time_ms": NOW_MS + at,
        "propensity": 0.5,
        "holdout": False,
        "excluded": False,
        "experiment": code_of("x"),
        "policy_version": 1,
        "arm": code_of(arm),
        "segment": code_of("new"),
        "category": code_of("bags"),
        "product": code_of(product),
        "copy": code_of(f"text of {arm}"),
        **changes,
    }
    return sign(Claims(**claims), 1, KEYS[1])


class Log:
    """A source and the events it is given, one offset each."""

    def __init__(self, **changes: Any) -> None:
        import msgspec

        self.source = Source("t:0", msgspec.structs.replace(RULES, **changes))
        self.offset = 0

    def send(self, kind: str, after_ms: int = 0, user: str = "u", **fields: Any) -> None:
        import msgspec

        made = {"kind": kind, "event_id": f"e{self.offset}", "user_id": user, "time": moment(after_ms), **fields}
        event = decode_event(msgspec.json.encode(made), NOW_MS + after_ms)
        assert not isinstance(event, Rejection), event
        self.put(event)

    def put(self, event: Event | Rejection) -> None:
        self.source.take(self.offset, event)
        self.offset += 1

    def order(self, order_id: str = "o1", after_ms: int = HOUR, user: str = "u", **fields: Any) -> None:
        lines = fields.pop("lines", [{"line": 1, "product_id": "p1", "quantity": 2, "revenue_minor": 1000}])
        self.send(
            "order_placed",
            after_ms,
            user,
            order_id=order_id,
            currency=fields.pop("currency", "USD"),
            lines=lines,
            **fields,
        )

    @property
    def total(self) -> dict[str, int]:
        return {name: count for name, count in self.source.counts.total.items() if count}

    def life(self, arm: str = "warm") -> dict[str, int]:
        text = f"cohort|life|{code_of('x'):08x}|{code_of('bags'):08x}|{code_of('new'):08x}|{code_of(arm):08x}"
        return self.cells().get(text, {})

    def cells(self) -> dict[str, dict[str, int]]:
        return {cell.text(): counters for cell, counters in self.source.counts.everything()}


@pytest.fixture
def log() -> Log:
    return Log()


def test_an_impression_a_click_and_a_cart_count_once_however_often_they_come(log: Log) -> None:
    for _ in range(10):
        log.send("copy_impression", token=token(1))
        log.send("copy_click", MINUTE, token=token(1))
        log.send("cart_added", 2 * MINUTE, product_id="p1", token=token(1))
    assert log.life() == {"impressions": 1, "clicks": 1, "carts": 1, "clicked_carts": 1}
    assert log.total["duplicates"] == 27


def test_a_click_before_its_impression_imputes_one_and_the_order_does_not_matter(log: Log) -> None:
    log.send("copy_click", token=token(1))
    log.send("copy_impression", token=token(1))
    assert log.life() == {"impressions": 1, "imputed": 1, "clicks": 1}
    assert log.total["duplicates"] == 1


@pytest.mark.parametrize(("behind", "late"), [(7 * DAY - 1, 0), (7 * DAY, 0), (7 * DAY + 1, 1)])
def test_late_by_the_limit_is_in_time(log: Log, behind: int, late: int) -> None:
    log.send("searched", 8 * DAY)
    log.send("copy_impression", 8 * DAY - behind, token=token(1, 8 * DAY - behind + DAY))
    assert log.total.get("late", 0) == late
    assert log.total.get("impressions", 0) == 1 - late


@pytest.mark.parametrize(("behind", "expired"), [(7 * DAY, 0), (7 * DAY + 1, 1)])
def test_a_token_expires_by_the_newest_event(log: Log, behind: int, expired: int) -> None:
    log.send("searched", 8 * DAY, user="somebody")
    log.send("copy_impression", 8 * DAY - 5, token=token(1, 8 * DAY - behind))
    assert log.total.get("token_expired", 0) == expired


def test_forged_cut_and_foreign_tokens_count_nothing(log: Log) -> None:
    good = token(1)
    for bad in (good[:-1], good[:20] + ("A" if good[20] != "A" else "B") + good[21:], "", "x" * 87):
        log.send("copy_click", token=bad)
    other = Rules(keys={1: b"z" * 32}, currency="USD", agents=NO_RULES, lateness_ms=1, max_cells=1, max_copies=1)
    foreign = Source("t:1", other)
    foreign.take(
        0,
        decode_event(
            b'{"kind":"copy_click","event_id":"e","user_id":"u","time":"2026-05-28T20:26:40Z","token":"%s"}'
            % good.encode(),
            NOW_MS,
        ),
    )
    assert log.total == {"events": 4, "token_invalid": 4}
    assert foreign.counts.total["token_invalid"] == 1


@pytest.mark.parametrize("changes", [{"holdout": True}, {"excluded": True}, {"arm": "none"}])
def test_what_is_left_out_of_learning_is_counted_as_that(log: Log, changes: dict[str, Any]) -> None:
    if changes.get("arm") == "none":
        log.send("copy_impression", token=sign_without_arm())
    else:
        log.send("copy_impression", token=token(1, **changes))
    assert log.total == {"events": 1, "excluded": 1}


def sign_without_arm() -> str:
    claims = Claims(
        decision_id=b"d" * 16,
        time_ms=NOW_MS,
        propensity=0.0,
        holdout=False,
        excluded=False,
        experiment=1,
        policy_version=1,
        arm=0,
        segment=1,
        category=1,
        product=1,
    )
    return sign(claims, 1, KEYS[1])


def test_bots_train_nothing(log: Log) -> None:
    log.send("copy_click", token=token(1), user_agent="A Bot/1.0")
    log.send("product_viewed", product_id="p1", user_agent="A Bot/1.0")
    assert log.total == {"events": 2, "suppressed": 1, "suppressed:bot": 1}


def test_two_orders_on_one_decision_are_one_order_and_all_their_lines(log: Log) -> None:
    log.send("copy_impression", token=token(1))
    log.send("copy_click", MINUTE, token=token(1))
    log.order("o1")
    log.order("o2", 2 * HOUR)
    assert log.life() == {
        "impressions": 1,
        "clicks": 1,
        "orders": 1,
        "order_lines": 2,
        "revenue_minor": 2000,
        "clicked_orders": 1,
        "impressed_orders": 1,
    }
    assert (log.total["orders"], log.total["match_inferred"]) == (2, 2)


def test_lines_are_known_by_order_and_line(log: Log) -> None:
    log.order("o1", lines=[line(1), line(2), line(1)])
    log.order("o1", lines=[line(2), line(3)])
    log.order("o1", lines=[line(3)])
    assert (log.total["orders"], log.total["order_lines"], log.total["duplicates"]) == (1, 3, 1)


def line(number: int, product: str = "p1", revenue: int = 100, **more: Any) -> dict[str, Any]:
    return {"line": number, "product_id": product, "quantity": 1, "revenue_minor": revenue, **more}


def test_a_line_goes_to_its_own_token_then_the_orders_then_the_last_click_then_an_impression(log: Log) -> None:
    log.send("copy_impression", 0, token=token(1, product="p1", arm="seen"), session_id="s")
    log.send("copy_impression", 0, token=token(2, product="p2", arm="seen"), session_id="s")
    log.send("copy_click", 1000, token=token(3, product="p2", arm="clicked"))
    log.send("copy_click", 2000, token=token(4, product="p2", arm="later"))
    lines = [
        line(1, "p1", token=token(9, product="other", arm="own")),
        line(2, "p3"),
        line(3, "p2"),
        line(4, "p1"),
        line(5, "p9"),
    ]
    log.order(lines=lines, token=token(8, product="p3", arm="orders"), session_id="s")
    for arm, product_lines in {"own": 1, "orders": 1, "later": 1, "clicked": 0, "seen": 1}.items():
        assert log.life(arm).get("order_lines", 0) == product_lines, arm
    matches = {name: count for name, count in log.total.items() if name.startswith("match")}
    assert matches == {"match_token": 2, "match_inferred": 1, "match_session": 1, "match_none": 1}


@pytest.mark.parametrize(
    ("kind", "behind", "found"),
    [
        ("copy_click", 7 * DAY, True),
        ("copy_click", 7 * DAY + 1, False),
        ("copy_impression", DAY, True),
        ("copy_impression", DAY + 1, False),
        ("copy_click", -1, False),
    ],
)
def test_the_windows_of_clicks_and_impressions(log: Log, kind: str, behind: int, found: bool) -> None:
    log.send(kind, 0, token=token(1))
    log.order(after_ms=behind)
    assert ("match_inferred" in log.total) is found


def test_only_the_newest_twenty_touches_are_looked_at(log: Log) -> None:
    log.send("copy_click", 0, token=token(0, product="old"))
    for number in range(1, 20):
        log.send("copy_impression", number, token=token(number))
    log.order("o1", lines=[line(1, "old")])
    assert log.total["match_inferred"] == 1
    log.send("copy_impression", 50, token=token(50))
    log.order("o2", lines=[line(1, "old")])
    assert log.total["match_none"] == 1
    # What fell out is still known: it is not counted again.
    log.send("copy_click", 60, token=token(0, product="old"))
    assert log.total["clicks"] == 1


def test_another_currency_counts_and_brings_nothing(log: Log) -> None:
    log.send("copy_click", token=token(1))
    log.order(currency="EUR")
    log.send("order_refunded", 2 * HOUR, refund_id="r", order_id="o1")
    assert log.life() == {
        "impressions": 1,
        "imputed": 1,
        "clicks": 1,
        "orders": 1,
        "order_lines": 1,
        "refunds": 1,
        "clicked_orders": 1,
        "impressed_orders": 1,
    }
    assert log.total["currency_mismatch"] == 1
    assert "revenue_minor" not in log.total
    assert "refunded_minor" not in log.total


def test_a_refund_adds_and_lowers_nothing(log: Log) -> None:
    log.send("copy_click", token=token(1))
    lines = [line(1, revenue=301), line(2, revenue=500), {**line(3, "p7", 700)}]
    lines[0]["quantity"] = 3
    log.order(lines=lines)
    before = log.life()
    for _ in range(2):
        log.send(
            "order_refunded", 2 * HOUR, refund_id="a", order_id="o1", lines=[{"line": 1, "quantity": 2}, {"line": 9}]
        )
    log.send("order_refunded", 3 * HOUR, refund_id="b", order_id="o1", lines=[{"line": 2, "revenue_minor": 50}])
    log.send("order_refunded", 3 * HOUR, refund_id="a", order_id="unknown")
    assert log.life() == {**before, "refunds": 2, "refunded_minor": 250}
    assert (log.total["refunds"], log.total["duplicates"], log.total["refund_unknown"]) == (2, 1, 2)
    log.send("order_refunded", 3 * HOUR, refund_id="c", order_id="o1")
    assert log.total["refunded_minor"] == 250 + 1501
    assert log.life()["refunded_minor"] == 250 + 801


def test_refunds_of_old_cohorts_count_at_the_decision(log: Log) -> None:
    log.send("copy_click", 0, token=token(1))
    log.order(after_ms=DAY)
    log.send("order_refunded", 29 * DAY, refund_id="r", order_id="o1")
    day = NOW_MS - NOW_MS % DAY
    old = [counters for text, counters in log.cells().items() if text.startswith(f"cohort|1d:{day // 1000}|")]
    assert [counters["refunded_minor"] for counters in old] == [1000]
    log.send("order_refunded", 31 * DAY + 1, refund_id="s", order_id="o1")
    assert log.total["refund_unknown"] == 1


def test_flow_is_by_the_event_and_cohort_by_the_decision(log: Log) -> None:
    log.send("copy_click", 90 * MINUTE, token=token(1))
    buckets = {text.split("|")[0] + "|" + text.split("|")[1] for text in log.cells()}
    decided, clicked = NOW_MS // 1000, (NOW_MS + 90 * MINUTE) // 1000
    assert buckets == {
        "total|life",
        "cohort|life",
        "copy|life",
        "shoppers|life",
        f"cohort|1d:{decided - decided % 86400}",
        f"copy|1d:{decided - decided % 86400}",
        f"cohort|5m:{decided - decided % 300}",
        f"flow|1m:{clicked - clicked % 60}",
    }


def test_buckets_end_and_nothing_is_counted_in_them_afterwards(log: Log) -> None:
    log.send("copy_impression", 0, token=token(1))
    start = NOW_MS - NOW_MS % MINUTE
    log.send("searched", start + MINUTE + 2 * HOUR - NOW_MS - 1)
    assert not log.source.counts.expire()
    log.send("searched", start + MINUTE + 2 * HOUR - NOW_MS)
    gone = [log.source.counts.cell(place).text().split("|")[1] for place in log.source.counts.expire()]
    assert gone == [f"1m:{start // 1000}"]
    log.send("copy_click", 1, token=token(1))
    assert f"flow|1m:{start // 1000}" not in {"|".join(text.split("|")[:2]) for text in log.cells()}
    assert log.life()["clicks"] == 1


def test_past_the_limit_cells_are_other(log: Log) -> None:
    few = Log(max_cells=2)
    for number, arm in enumerate(["a", "b", "c", "d", "a"]):
        few.send("copy_impression", token=token(number, arm=arm))
    assert few.life("a") == {"impressions": 2}
    assert few.life("c") == {}
    assert few.cells()["cohort|life|ffffffff|ffffffff|ffffffff|ffffffff"] == {"impressions": 2}


def test_texts_are_counted_as_their_arms_are_and_past_their_own_limit_are_other() -> None:
    few = Log(max_copies=2)
    for number, text in enumerate([7, 8, 9, 7, 0xFFFFFFFF, 0]):
        few.send("copy_impression", token=token(number, copy=text))
        few.send("copy_click", token=token(number, copy=text))
    texts = {cell[-8:]: counters for cell, counters in few.cells().items() if cell.startswith("copy|life|")}
    once = {"impressions": 1, "clicks": 1}
    assert texts["00000007"] == {"impressions": 2, "clicks": 2}
    # The code ffffffff is a text's own here: the cell of `other` has it four times.
    others = {
        cell: counters for cell, counters in few.cells().items() if cell.startswith("copy|l") and cell[-4:] == "ffff"
    }
    assert others == {"copy|life|ffffffff|ffffffff|ffffffff|ffffffff": {"impressions": 2, "clicks": 2}}
    assert texts["00000008"] == once
    # All were decided on one day.
    days = {cell.split("|", 2)[2]: counters for cell, counters in few.cells().items() if cell.startswith("copy|1d:")}
    assert {cell[-8:]: counters for cell, counters in days.items()} == texts
    assert few.life() == {"impressions": 6, "clicks": 6}


def test_an_order_and_its_refund_find_the_text(log: Log) -> None:
    log.send("copy_click", token=token(1, copy=5))
    log.order()
    log.send("order_refunded", MINUTE, refund_id="r", order_id="o1")
    life, day = [counters for cell, counters in sorted(log.cells().items(), reverse=True) if cell.startswith("copy")]
    assert life == day == log.life()
    assert life["refunds"] == 1


def test_a_record_that_was_counted_is_passed_over(log: Log) -> None:
    log.send("copy_impression", token=token(1))
    log.offset = 0
    log.send("copy_impression", token=token(2))
    assert log.total == {"events": 1, "impressions": 1}


def test_rejected_records_are_skipped_and_counted(log: Log) -> None:
    log.put(Rejection(Code.UNDECODABLE, "", ""))
    assert (log.total, log.source.through) == ({"rejected": 1}, 0)


def test_money_stays_whole(log: Log) -> None:
    """More than a float holds exactly."""
    log.order(
        lines=[
            line(1, revenue=10**15 - 1),
            line(2, revenue=10**15 - 1),
            *[line(n, revenue=10**15) for n in range(3, 20)],
        ]
    )
    assert log.total["revenue_minor"] == 19 * 10**15 - 2
