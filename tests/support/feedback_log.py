"""Hand-made input logs of feedback: a partition's records, written one after the other."""

import json
from datetime import UTC, datetime

from features.aggregates.records import Written
from patter.verify.check import expected
from patter.verify.reached import taken
from patter.verify.recompute import recomputed
from patter.verify.rows import Rows
from patter.verify.rules import Rules
from schemas.agents import rules_of_parts
from schemas.token import Claims, code_of, sign

START_MS = 1_780_000_020_000
"""A full minute, two minutes into its five, 20:27 of its day."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
KEYS = {1: b"0123456789abcdef"}
RULES = Rules(
    keys=KEYS, lateness_ms=7 * DAY, agents=rules_of_parts("bot"), currency="USD", max_cells=50_000, max_copies=50_000
)
ARM = "00000001|00000002|00000003|00000004"
COPY = "00000001|00000002|00000003|00000063"
SUMS = "shoppers|life|00000001|00000000|00000000|00000004"
TOTAL = "total|life|00000000|00000000|00000000|00000000"
LIFE, TEXT = f"cohort|life|{ARM}", f"copy|life|{COPY}"


def token(number: int, decided_ms: int = START_MS, key: bytes = KEYS[1], key_id: int = 1, **more: object) -> str:
    """The token of decision `number`, about product p, in the arm cell ARM and the copy cell COPY."""
    claims = {
        "decision_id": number.to_bytes(8, "big") + bytes(8),
        "time_ms": decided_ms,
        "propensity": 0.5,
        "holdout": False,
        "excluded": False,
        "experiment": 1,
        "policy_version": 9,
        "arm": 4,
        "segment": 3,
        "category": 2,
        "product": code_of("p"),
        "copy": 0x63,
    }
    return sign(Claims(**(claims | more)), key_id, key)  # type: ignore[arg-type]


def line(number: int | str = 1, product: str = "p", revenue: int = 1_000, quantity: int = 1, **more: object) -> object:
    """A line of an order."""
    return {"line": number, "product_id": product, "quantity": quantity, "revenue_minor": revenue, **more}


class Log:
    """One partition. Times are in ms after START_MS; every method answers the record's offset."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, bytes | None]] = []

    def raw(self, value: bytes | None) -> int:
        self.records.append((len(self.records), START_MS, value))
        return len(self.records) - 1

    def event(self, kind: str, at: int, **fields: object) -> int:
        moment = datetime.fromtimestamp((START_MS + at) / 1000, UTC).isoformat(timespec="milliseconds")
        event = {"kind": kind, "event_id": f"e{len(self.records)}", "user_id": "u", "time": moment, **fields}
        # A record arrives when it happened: the log spans more than the decoder allows behind one arrival.
        self.records.append((len(self.records), START_MS + at, json.dumps(event).encode()))
        return len(self.records) - 1

    def shown(self, token: str, at: int = 0, **fields: object) -> int:
        return self.event("copy_impression", at, token=token, **fields)

    def clicked(self, token: str, at: int = 0, **fields: object) -> int:
        return self.event("copy_click", at, token=token, **fields)

    def carted(self, token: str | None, at: int = 0, **fields: object) -> int:
        return self.event("cart_added", at, product_id="p", token=token, **fields)

    def ordered(self, order: str, *lines: object, at: int = 0, currency: str = "USD", **fields: object) -> int:
        return self.event("order_placed", at, order_id=order, currency=currency, lines=list(lines), **fields)

    def refunded(self, order: str, refund: str, *lines: object, at: int = 0, **fields: object) -> int:
        named = {"lines": list(lines)} if lines else {}
        return self.event("order_refunded", at, order_id=order, refund_id=refund, **named, **fields)

    def viewed(self, at: int = 0, **fields: object) -> int:
        return self.event("product_viewed", at, product_id="p", **fields)


def reach_of(log: Log, rules: Rules = RULES, since: int = 0) -> Written:
    """The sketches that a log comes to which is all of partition 0, counted from the offset `since` on."""
    rows = Rows(rules)
    for offset, timestamp, value in log.records:
        rows.put(0, offset, timestamp, value)
    written = Written("life:0", since)
    written.through = len(log.records) - 1
    with recomputed(rows, rules) as connection:
        written.reach = taken(connection, rows.names(), 0, since, written.through)
    return written


def cells(log: Log, rules: Rules = RULES) -> dict[str, dict[str, int]]:
    """What the recompute makes of a log that is all of partition 0."""
    return expected({0: log.records}, rules)[0]
