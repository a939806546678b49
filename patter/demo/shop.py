"""The demo's shop: a catalogue, shoppers with habits, and a stream of events with the faults that streams have.

Pure and seeded: a seed gives the same shop; only ids and times are those of the run.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct

from patter.demo.shop_events import Traffic, rfc3339
from patter.demo.shop_faults import FAULTS, ONCE
from patter.demo.shop_people import profiles, shopper_ids
from patter.files import Profile, read_catalogue
from schemas.catalog import Product

CATALOGUE = Path(__file__).with_name("catalogue.jsonl")
# A tracker that sends twice does so at once or after its time-out.
_REPEAT_S = (0.2, 3.0)


class Scheduled(Struct, frozen=True, gc=False):
    """One record and when it is due, in seconds after the start of the input."""

    at_s: float
    key: bytes
    value: bytes
    kind: Literal["event", "duplicate", "malformed"]


def demo_catalogue() -> Iterator[Product]:
    """The products that ship with the demo."""
    return read_catalogue(CATALOGUE)


class DemoShop:
    """A shop with these products and `shoppers` (a number of its own, or the ids of somebody's)."""

    def __init__(self, seed: int, shoppers: int | Sequence[str], products: Sequence[Product]) -> None:
        self._seed, self._products = seed, tuple(products)
        self.users: tuple[str, ...] = tuple(shopper_ids(shoppers) if isinstance(shoppers, int) else shoppers)

    def with_users(self, users: Sequence[str]) -> "DemoShop":
        """The same shop with other shoppers."""
        return DemoShop(self._seed, users, self._products)

    def profiles(self) -> Iterator[Profile]:
        """What the shop knows of its shoppers: user_profile rows; about eight of a hundred shoppers have none."""
        categories = sorted({product.category for product in self._products})
        return profiles(self._seed, self.users, categories, self._products[0].currency)

    def events(
        self, *, run_id: str, rate: float, seconds: float, duplicates: int, malformed: int, start_ms: int
    ) -> Iterator[Scheduled]:
        """Everything that is sent, in the order of its schedule: round(rate * seconds) events at random moments, and
        exactly `duplicates` repeats (byte for byte, up to 3 s later) and `malformed` records on top.

        An event's `time` is the wall time of its moment, `start_ms` being that of second 0. Raises ValueError where
        there is nothing that could be repeated.
        """
        number = round(rate * seconds)
        if duplicates and not number:
            raise ValueError("there are no events to repeat")
        good = self._good(run_id, number, seconds, start_ms)
        bad = self._malformed(run_id, seconds, malformed, start_ms)
        return heapq.merge(self._repeated(good, number, duplicates, seconds), bad, key=lambda each: each.at_s)

    def _repeated(self, good: Iterator[Scheduled], number: int, duplicates: int, seconds: float) -> Iterator[Scheduled]:
        rng = np.random.default_rng([self._seed, 3])
        picked = rng.choice(number, duplicates, replace=duplicates > number) if duplicates else np.zeros(0, np.int64)
        times = Counter(picked.tolist())
        waiting: list[tuple[float, int, Scheduled]] = []
        tickets = itertools.count()
        for index, event in enumerate(good):
            while waiting and waiting[0][0] <= event.at_s:
                yield heapq.heappop(waiting)[2]
            yield event
            for _ in range(times[index]):
                at_s = max(event.at_s, min(event.at_s + float(rng.uniform(*_REPEAT_S)), seconds))
                # The counter settles ties: two repeats at the end of the run are due at the same moment.
                entry = (at_s, next(tickets), Scheduled(at_s, event.key, event.value, "duplicate"))
                heapq.heappush(waiting, entry)
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _good(self, run_id: str, number: int, seconds: float, start_ms: int) -> Iterator[Scheduled]:
        traffic = Traffic(self._seed, self.users, self._products, run_id)
        first, begin = 0, 0.0
        while first < number:
            end = min(begin + 1.0, seconds)
            count = number - first if end >= seconds else round(number * end / seconds) - first
            moments = traffic.moments(begin, end, count)
            for at_s, (key, value) in zip(moments, traffic.events(first, moments, start_ms), strict=True):
                yield Scheduled(at_s, key, value, "event")
            first, begin = first + count, end

    def _malformed(self, run_id: str, seconds: float, number: int, start_ms: int) -> Iterator[Scheduled]:
        rng = np.random.default_rng([self._seed, 4])
        kinds = list(FAULTS)
        later = [kind for kind in kinds if kind != ONCE]
        for index, at_s in enumerate(np.sort(rng.uniform(0.0, seconds, number)).tolist()):
            name = kinds[index] if index < len(kinds) else later[(index - len(kinds)) % len(later)]
            user = self.users[rng.integers(len(self.users))]
            event = {
                "kind": "product_viewed",
                "event_id": f"{run_id}-x{index:05d}",
                "user_id": user,
                "time": rfc3339(start_ms + int(at_s * 1000)),
                "product_id": self._products[rng.integers(len(self._products))].product_id,
            }
            yield Scheduled(at_s, user.encode(), FAULTS[name](event), "malformed")
