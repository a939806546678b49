"""Records of the input log as flat rows. Decoding and checking signatures only: nothing is counted or left out here.

Whatever is only ever compared for equality (shoppers, orders, decisions, ...) becomes a number, so that a column is an
array of 64-bit integers, which DuckDB reads as it is.
"""

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.decide.assign import held_out
from patter.verify.carried import digest_of
from patter.verify.rules import Rules
from schemas.decode import Rejection, decode_event, time_ms
from schemas.events import (
    KIND_OF,
    KINDS,
    CartAdded,
    CopyClick,
    CopyImpression,
    Event,
    OrderPlaced,
    OrderRefunded,
)
from schemas.shopper_sums import counted_weight
from schemas.token import NO_CODE, code_of, verify

ABSENT = -1
EVENT_PLACE = -1
"""The place of an event's own token; a line's is its position in the order."""

_MOST = 2**63 - 1
_KIND_NUMBER = {kind: KINDS.index(name) for kind, name in KIND_OF.items()}


Column = np.ndarray[Any, np.dtype[Any]]


def numbers(columns: Mapping[str, "array[int]"]) -> dict[str, Column]:
    """Columns of 64-bit integers as they lie in memory. No row can be added while one of these is held."""
    return {name: np.frombuffer(data, np.int64) for name, data in columns.items()}


class Table:
    """Columns of one kind of row."""

    def __init__(self, *names: str) -> None:
        self.columns = {name: array("q") for name in names}
        self._append = [column.append for column in self.columns.values()]

    def add(self, *values: int) -> None:
        """One row, in the order of the names."""
        for append, value in zip(self._append, values, strict=True):
            append(value)


class Rows:
    """The rows of as many records as were put in. `names` are numbers that names have from before, by their digests."""

    def __init__(self, rules: Rules, names: Mapping[bytes, int] | None = None) -> None:
        self._rules = rules
        self._names = names or {}
        self._numbers: dict[object, int] = {}
        self._next = 1 + max(self._names.values(), default=-1)
        self.agents: dict[str, int] = {}
        self._codes: dict[str, int] = {}
        # (partition, offset, event time, shopper) of every order: whose experiment that is nobody knows yet.
        self.bought: list[tuple[int, int, int, str]] = []
        self.records = 0
        self.rejected = Table("part", "off")
        self.event = Table(
            *("part", "off", "time_ms", "kind", "shopper", "session", "agent", "order_no", "refund_no", "ours", "held")
        )
        self.token = Table(
            *("part", "off", "place", "text", "valid", "decision", "decided_ms", "barred"),
            *("experiment", "category", "segment", "variant", "copy", "product", "weight"),
        )
        self.line = Table("part", "off", "place", "line_no", "product", "quantity", "revenue")
        self.refund_line = Table("part", "off", "place", "line_no", "quantity", "amount")

    def tables(self) -> dict[str, Table]:
        """By the names that the SQL has for them."""
        return {name: getattr(self, name) for name in ("rejected", "event", "token", "line", "refund_line")}

    def put(self, partition: int, offset: int, timestamp_ms: int, value: bytes | None) -> None:
        """Take a record in. A partition's records come in order."""
        self.records += 1
        event = decode_event(value, timestamp_ms)
        if isinstance(event, Rejection):
            self.rejected.add(partition, offset)
            return
        order = refund = ABSENT
        ours = 0
        if isinstance(event, CopyImpression | CopyClick | CartAdded):
            self._token(partition, offset, EVENT_PLACE, event.token)
        elif isinstance(event, OrderPlaced):
            order, ours = self._number(event.order_id), int(event.currency == self._rules.currency)
            self.bought.append((partition, offset, time_ms(event.time), event.user_id))
            self._order(partition, offset, event)
        elif isinstance(event, OrderRefunded):
            order, refund = self._number(event.order_id), self._number(event.refund_id)
            for place, line in enumerate(event.lines or ()):
                amount = ABSENT if line.revenue_minor is None else line.revenue_minor
                quantity = ABSENT if line.quantity is None else min(line.quantity, _MOST)
                self.refund_line.add(partition, offset, place, self._number(str(line.line)), quantity, amount)
        self._event(partition, offset, event, order, refund, ours)

    def last_below(self, partition: int, end: int) -> int:
        """The last record before an offset, -1 where there is none: offsets have holes."""
        last = -1
        for table in (self.event, self.rejected):
            parts, offsets = numbers(table.columns)["part"], numbers(table.columns)["off"]
            fitting = offsets[(parts == partition) & (offsets < end)]
            last = max(last, int(fitting.max(initial=-1)))
        return last

    def _event(self, partition: int, offset: int, event: Event, order: int, refund: int, ours: int) -> None:
        session = self._number(event.session_id) if event.session_id else ABSENT
        agent = self.agents.setdefault((event.user_agent or "").lower(), len(self.agents))
        kind, shopper = _KIND_NUMBER[type(event)], self._number(event.user_id)
        holdout = self._rules.holdout
        held = holdout is not None and order != ABSENT and held_out(holdout, event.user_id)
        self.event.add(partition, offset, time_ms(event.time), kind, shopper, session, agent, order, refund, ours, held)

    def _order(self, partition: int, offset: int, event: OrderPlaced) -> None:
        self._token(partition, offset, EVENT_PLACE, event.token)
        for place, line in enumerate(event.lines):
            self._token(partition, offset, place, line.token)
            code = self._codes.get(line.product_id)
            if code is None:
                code = self._codes[line.product_id] = code_of(line.product_id)
            number, quantity = self._number(str(line.line)), min(line.quantity, _MOST)
            self.line.add(partition, offset, place, number, code, quantity, line.revenue_minor)

    def _token(self, partition: int, offset: int, place: int, token: str | None) -> None:
        if token is None:
            return
        text, claims = code_of(token), verify(token, self._rules.keys)
        if claims is None:
            self.token.add(partition, offset, place, text, 0, ABSENT, 0, 0, 0, 0, 0, 0, 0, 0, 0)
            return
        barred = claims.holdout or claims.excluded or claims.arm == NO_CODE
        self.token.add(
            *(partition, offset, place, text, 1, self._number(claims.decision_id), claims.time_ms, barred),
            *(claims.experiment, claims.category, claims.segment, claims.arm, claims.copy, claims.product),
            counted_weight(claims.propensity),
        )

    def names(self) -> dict[int, object]:
        """What the numbers of these records stand for; not those from before."""
        return {number: name for name, number in self._numbers.items()}

    def digests(self) -> dict[int, bytes]:
        """What stands in a checkpoint for each name that has a number."""
        found = {number: digest for digest, number in self._names.items()}
        return found | {number: digest_of(name) for name, number in self._numbers.items() if number not in found}

    def _number(self, name: object) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._names.get(digest_of(name)) if self._names else None
            if number is None:
                number, self._next = self._next, self._next + 1
            self._numbers[name] = number
        return number
