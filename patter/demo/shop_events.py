"""What the demo shop's shoppers do: events as a shop's tracker writes them, drawn a second of the run at a time."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.catalog import Product

Floats = NDArray[np.float64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# How often each kind occurs: most of a shop's traffic is looking, and a list is seen with and without a product that
# copy is wanted for.
_MIX = {
    "product_viewed": 0.70,
    "list_viewed": 0.09,
    "whole_list_viewed": 0.04,
    "searched": 0.05,
    "cart_added": 0.06,
    "cart_removed": 0.02,
    "identified": 0.015,
    "order_placed": 0.025,
}
_BOTS_SHARE = 0.015
_BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
)
_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/138.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
)
# Zipf-Mandelbrot weights 1 / (rank + shift) ** exponent. The shift keeps the busiest of thousands of shoppers under two
# per cent of the traffic, as in shops, where nobody shops all day; among dozens of products a few do stand out.
_USERS = (1.0, 10.0)
_PRODUCTS = (1.1, 1.0)
_POSITIONS = 24


def popularity(rng: np.random.Generator, number: int, exponent: float, shift: float) -> Floats:
    """Cumulative shares of `number` things whose ranks are drawn at random."""
    weights = 1.0 / (rng.permutation(number) + 1.0 + shift) ** exponent
    cumulative: Floats = np.cumsum(weights / weights.sum())
    cumulative[-1] = 1.0
    return cumulative


def rfc3339(moment_ms: int) -> str:
    """UTC time with milliseconds."""
    moment = _EPOCH + timedelta(milliseconds=moment_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


class Traffic:
    """Draws events. The same seed, shoppers and products give the same traffic but for ids and times."""

    def __init__(self, seed: int, users: Sequence[str], products: Sequence[Product], run_id: str) -> None:
        self._rng = np.random.default_rng([seed, 2])
        self._run_id = run_id
        self._keys = [user.encode() for user in users]
        self._users = [_quoted(user) for user in users]
        self._products = [(_quoted(each.product_id), each.price_minor, _quoted(each.currency)) for each in products]
        self._queries = sorted({_quoted(each.category) for each in products})
        self._by_user = popularity(self._rng, len(users), *_USERS)
        self._by_product = popularity(self._rng, len(products), *_PRODUCTS)
        self._agents = [_quoted(agent) for agent in _AGENTS]
        self._bots = [_quoted(agent) for agent in _BOTS]
        self._edges = np.cumsum(list(_MIX.values()))
        self._write: tuple[Callable[[int, int, float], str], ...] = tuple(getattr(self, f"_{kind}") for kind in _MIX)

    def moments(self, begin_s: float, end_s: float, number: int) -> list[float]:
        """`number` moments at random between the two, in order: open-loop arrivals."""
        return np.sort(self._rng.uniform(begin_s, end_s, number)).tolist()  # type: ignore[no-any-return]

    def events(self, first: int, moments: Sequence[float], start_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """(key, value) for each moment; `first` is the number of the first event in the run."""
        number, rng = len(moments), self._rng
        users = np.searchsorted(self._by_user, rng.random(number), side="right").tolist()
        products = np.searchsorted(self._by_product, rng.random(number), side="right").tolist()
        kinds = np.searchsorted(self._edges, rng.random(number) * self._edges[-1], side="right").tolist()
        chances, agents = rng.random(number).tolist(), rng.random(number).tolist()
        for i, at_s in enumerate(moments):
            user = users[i]
            moment_ms = start_ms + int(at_s * 1000)
            bot = agents[i] < _BOTS_SHARE
            agent = self._bots[i % len(self._bots)] if bot else self._agents[user % len(self._agents)]
            value = (
                f'{{{self._write[kinds[i]](user, products[i], chances[i])},"event_id":"{self._run_id}-{first + i:07d}",'
                f'"user_id":{self._users[user]},"time":"{rfc3339(moment_ms)}",'
                f'"session_id":"s{user}-{moment_ms // 1_800_000}","user_agent":{agent}}}'
            )
            yield self._keys[user], value.encode()

    def _product_viewed(self, user: int, product: int, chance: float) -> str:
        product_id, price_minor, _ = self._products[product]
        return f'"kind":"product_viewed","product_id":{product_id},"price_minor":{price_minor}'

    def _list_viewed(self, user: int, product: int, chance: float) -> str:
        position = int(chance * _POSITIONS)
        return f'"kind":"list_viewed","product_id":{self._products[product][0]},"position":{position}'

    def _whole_list_viewed(self, user: int, product: int, chance: float) -> str:
        return '"kind":"list_viewed"'

    def _searched(self, user: int, product: int, chance: float) -> str:
        return f'"kind":"searched","query":{self._queries[int(chance * len(self._queries))]}'

    def _cart_added(self, user: int, product: int, chance: float) -> str:
        product_id, price_minor, _ = self._products[product]
        quantity = 1 + int(chance * 2)
        return f'"kind":"cart_added","product_id":{product_id},"quantity":{quantity},"price_minor":{price_minor}'

    def _cart_removed(self, user: int, product: int, chance: float) -> str:
        return f'"kind":"cart_removed","product_id":{self._products[product][0]},"quantity":1'

    def _identified(self, user: int, product: int, chance: float) -> str:
        return f'"kind":"identified","anonymous_id":"anon-{user:05d}-{int(chance * 1000)}"'

    def _order_placed(self, user: int, product: int, chance: float) -> str:
        currency = self._products[product][2]
        lines = []
        for line in range(1 + int(chance * 3)):
            product_id, price_minor, other = self._products[(product + line * 7) % len(self._products)]
            if other == currency:
                lines.append(
                    f'{{"line":{line + 1},"product_id":{product_id},"quantity":1,"revenue_minor":{price_minor}}}'
                )
        order_id = f"{self._run_id}-o{user}-{int(chance * 1e9)}"
        return f'"kind":"order_placed","order_id":"{order_id}","currency":{currency},"lines":[{",".join(lines)}]'
