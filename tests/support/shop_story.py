"""Random days of a shop, with everything that goes wrong on the way to the input log: what is delivered ten times, out
of order, too late by a millisecond, refunded weeks after, decided twice, or sent by a robot.
"""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from feedback_events import KEYS, NOW_MS
from hypothesis import strategies as st

from schemas.cells import DAY_MS
from schemas.token import Claims, code_of, sign
from streams.kafka.records import Record

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
LATENESS_MS = 7 * DAY_MS
KINDS = (
    *("shown", "shown", "clicked", "clicked", "carted", "ordered", "ordered", "refunded", "viewed", "junk"),
    *("late", "late", "again", "again", "agent", "burst", "forged"),
)
# Within a page view, an afternoon, a bucket's life, a token's, an order's; the edges are an hour's and a day's.
STEPS = (0, 0, 1, 90, SECOND, MINUTE, 5 * MINUTE, HOUR, 2 * HOUR, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 24 * DAY_MS)

Act = tuple[str, int, int, int, int, int, int]
"""What happens, how long after the act before, shopper, decision, by how much it is too late, how often it is
delivered, and how many records later."""

ACTS: st.SearchStrategy[list[Act]] = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(STEPS),
        st.integers(0, 3),
        st.integers(0, 4),
        st.sampled_from([-1, 0, 1]),
        st.sampled_from([1, 1, 1, 2, 10]),
        st.sampled_from([0, 0, 0, 1, 4, 15]),
    ),
    min_size=1,
    max_size=45,
)


class Story:
    """Acts as records of a two-partition log. A shopper's partition is fixed, as the key of a real record fixes it."""

    def __init__(self) -> None:
        self.now = NOW_MS
        self._high = {0: NOW_MS, 1: NOW_MS}
        self._decided: dict[tuple[int, int, int], int] = {}
        self._sent: list[tuple[int, int, bytes, int]] = []

    def tell(self, acts: Sequence[Act]) -> list[Record]:
        """Every act, one after the other; the records in the order in which the log gets them."""
        for act in acts:
            self._act(act)
        ends, records = {0: 0, 1: 0}, []
        for place in sorted(range(len(self._sent)), key=lambda at: (at + self._sent[at][3], at)):
            partition, arrived, value, _ = self._sent[place]
            records.append(Record("events", partition, ends[partition], arrived, None, value))
            ends[partition] += 1
        return records

    def _act(self, act: Act) -> None:
        kind, step, who, number, edge, times, delay = act
        self.now += step
        partition, at, more = who % 2, self.now, {}
        user = f"shopper{who}"
        said = self._token(who, number)
        fields: dict[str, Any] = {"kind": "copy_impression", "token": said}
        if kind == "clicked":
            fields["kind"] = "copy_click"
        elif kind == "carted":
            fields = {"kind": "cart_added", "product_id": f"p{number % 2}", "token": said}
        elif kind == "viewed":
            fields = {"kind": "product_viewed", "product_id": "p0"}
        elif kind == "ordered":
            fields = self._order(who, number, said)
        elif kind == "refunded":
            # Of somebody's order of this stretch or the one before, whoever sends it.
            stretch = self.now // (10 * DAY_MS) - (edge < 0)
            lines = {"lines": [{"line": 1, "quantity": 1}]} if edge else {}
            fields = {"kind": "order_refunded", "order_id": f"o{number % 3}-{partition}-{stretch}", **lines}
            fields["refund_id"] = f"r{number % 2}"
        elif kind == "late":
            at = self._high[partition] - LATENESS_MS + edge
        elif kind == "again":
            # The same event decided a second time, later, and for another arm.
            fields = {
                "kind": "copy_click" if edge else "copy_impression",
                "token": self._token(who, number, again=True),
            }
        elif kind == "agent":
            more = {"user_agent": "a Bot" if edge else "CUBOT P80"}
        elif kind == "forged":
            fields["token"] = said[:-2] + ("AA" if said[-2:] != "AA" else "BB")
        for hit in range(4 if kind == "burst" else 1):
            fields = {**fields, "kind": "copy_click"} if kind == "burst" else fields
            self._send(partition, user, at + 20 * hit, {**fields, **more}, times, delay, junk=kind == "junk")

    def _order(self, who: int, number: int, said: str) -> dict[str, Any]:
        lines = [
            {"line": 1, "product_id": f"p{number % 2}", "quantity": 2, "revenue_minor": 101 + number},
            {"line": f"x{number}", "product_id": f"p{(number + 1) % 2}", "quantity": 1, "revenue_minor": 7},
        ]
        if number == 3:
            lines[1]["token"] = said
        name = f"o{number % 3}-{who % 2}-{self.now // (10 * DAY_MS)}"
        order = {"kind": "order_placed", "order_id": name, "currency": "EUR" if number == 4 else "USD", "lines": lines}
        return order | ({"token": said} if number == 2 else {})

    def _token(self, who: int, number: int, *, again: bool = False) -> str:
        # A new decision for each shopper and number every five days.
        name = who, number, self.now // (5 * DAY_MS)
        if again:
            name = who, number, name[2] - 2
        first = self._decided.setdefault(name, self.now)
        experiment = code_of("x" if number % 2 else "y")
        claims = Claims(
            decision_id=blake2b(repr(name).encode(), digest_size=16).digest(),
            time_ms=self.now if again else first,
            propensity=(1.0, 0.5, 0.013, 0.25, 1e-7)[number],
            holdout=False,
            excluded=number == 1 and again,
            experiment=experiment,
            policy_version=1,
            arm=number % 3 + 1 + 3 * again,
            segment=1,
            category=who % 2,
            product=code_of(f"p{number % 2}"),
            copy=number,
        )
        return sign(claims, 1, KEYS[1])

    def _send(
        self, partition: int, user: str, at: int, fields: dict[str, Any], times: int, delay: int, *, junk: bool
    ) -> None:
        time = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
        event = {"event_id": f"e{len(self._sent)}", "user_id": user, "time": time, **fields}
        value = b"{" if junk else json.dumps(event).encode()
        if not junk:
            self._high[partition] = max(self._high[partition], at)
        for copy in range(times):
            self._sent.append((partition, max(at, self.now), value, delay * (copy > 0 or times == 1)))


def drawn(seed: int, number: int) -> list[Act]:
    """Acts without hypothesis: the same for a seed, for ever."""
    rng = random.Random(seed)
    return [
        (
            rng.choice(KINDS),
            # Months would pass in so many acts if every one could skip weeks.
            rng.choice(STEPS[:9] if rng.random() < 0.9 else STEPS),
            rng.randrange(4),
            rng.randrange(5),
            rng.choice([-1, 0, 1]),
            rng.choice([1, 1, 1, 2, 10]),
            rng.choice([0, 0, 0, 1, 4, 15]),
        )
        for _ in range(number)
    ]
