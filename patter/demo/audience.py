"""The demo's audience: the feedback that simulated shoppers give on the copy they are shown.

Pure: a decision and a moment in, events with the moments at which they are due out. Whatever is drawn for a decision
follows from the seed and the decision's id, and a decision that was heard before causes nothing more.
"""

import string
from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from inference.decide.hashing import unit
from patter.demo.audience_chances import LATE_MS, USUAL, Chances, Span
from patter.demo.audience_truth import Truth, TruthTable
from patter.demo.shop_events import rfc3339

What = Literal[
    "impression",
    "impression_repeated",
    "impression_late",
    "click",
    "click_first",
    "cart",
    "order",
    "order_foreign",
    "refund",
    "forged",
    "agent_impression",
    "agent_click",
]
"""What a reaction is, for who counts them: an event is one of these."""

_SESSION_MS = 1_800_000
AGENTS = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ChatGPT-User/1.0; +https://openai.com/bot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Perplexity-User/1.0; +https://perplexity.ai/perplexity-user)",
)
"""What AI agents that shop for a person call themselves."""

_ALPHABET = string.ascii_letters + string.digits + "-_"
# Its own decisions are answered with looks, clicks and orders, but with no cart: that would ask for the next one.
_NO_CHAIN = "cart_added"


class Priced(Struct, frozen=True, gc=False):
    """What a decision says of its product's price."""

    price_minor: int | None = None
    currency: str | None = None


class Heard(Struct, frozen=True, kw_only=True):
    """The members of a decision record that shoppers react to."""

    decision_id: str
    user_id: str
    product_id: str
    category: str | None
    action: str
    segment: str
    shown: str | None
    kind: str
    token: str
    catalogue: Priced


class Reaction(Struct, frozen=True, order=True):
    """One event to come: due at a wall time (ms), `number` settles which of two due at once goes first."""

    due_ms: int
    number: int
    what: What
    user_id: str
    fields: dict[str, object]

    def value(self, moment_ms: int) -> bytes:
        """The record of `patter.events.v1`, sent at this wall time. A late one tells of a time long before."""
        happened_ms = moment_ms - LATE_MS if self.what == "impression_late" else moment_ms
        return msgspec.json.encode({**self.fields, "time": rfc3339(happened_ms)})


class Audience:
    """Reacts to decisions. `run_id` goes into the ids of events, so that another run's are others."""

    def __init__(self, seed: int, run_id: str, truth: TruthTable, chances: Chances = USUAL) -> None:
        self._seed, self._run_id, self._truth, self._chances = str(seed), run_id, truth, chances
        self._known: set[str] = set()
        self._numbers = 0

    def react(self, heard: Heard, now_ms: int) -> list[Reaction]:
        """Everything that follows from a decision that was read at `now_ms`; nothing where nothing was shown."""
        if heard.action != "show" or heard.decision_id in self._known:
            return []
        truth = self._truth_of(heard)
        if truth is None:
            return []
        self._known.add(heard.decision_id)
        visit = _Visit(self._seed, self._run_id, heard, self._chances)
        found = []
        for due_ms, what, fields in visit.events(truth, now_ms):
            self._numbers += 1
            found.append(Reaction(due_ms, self._numbers, what, heard.user_id, fields))
        return found

    def _truth_of(self, heard: Heard) -> Truth | None:
        if heard.category is None or heard.shown is None:
            return None
        return self._truth.of(heard.category, heard.segment).get(heard.shown)


_Planned = tuple[int, What, dict[str, object]]


class _Visit:
    """What one shopper does about one decision."""

    def __init__(self, seed: str, run_id: str, heard: Heard, chances: Chances) -> None:
        self._seed, self._heard, self._chances = seed, heard, chances
        self._name = f"{run_id}-{heard.decision_id}"

    def events(self, truth: Truth, now_ms: int) -> Iterator[_Planned]:
        chances = self._chances
        seen_ms = now_ms + self._after(chances.to_impression_ms, "impression")
        if self._happens(chances.forged, "forged"):
            kind = "copy_impression" if self._chance("forged kind") < 0.5 else "copy_click"
            yield seen_ms, "forged", self._fields(kind, "f", now_ms, token=self._forged())
        if not self._happens(chances.seen, "seen"):
            return
        if self._happens(chances.agent, "agent"):
            yield from self._agent(seen_ms, now_ms)
        clicked = self._happens(truth.ctr, "click")
        # Two requests of one page, and the second overtakes the first.
        first = clicked and self._happens(chances.click_first, "click first")
        shown_ms = seen_ms + self._after(chances.to_repeat_ms, "overtaken") if first else seen_ms
        yield shown_ms, "impression", self._fields("copy_impression", "i", now_ms, token=self._heard.token)
        if self._happens(chances.repeated, "repeated"):
            again_ms = shown_ms + self._after(chances.to_repeat_ms, "repeat")
            yield again_ms, "impression_repeated", self._fields("copy_impression", "r", now_ms, token=self._heard.token)
        if self._happens(chances.late, "late"):
            yield shown_ms, "impression_late", self._fields("copy_impression", "l", now_ms, token=self._heard.token)
        if clicked:
            click_ms = seen_ms if first else seen_ms + self._after(chances.to_click_ms, "to click")
            what: What = "click_first" if first else "click"
            yield click_ms, what, self._fields("copy_click", "c", now_ms, token=self._heard.token)
            yield from self._after_click(truth, click_ms, now_ms)

    def _agent(self, seen_ms: int, now_ms: int) -> Iterator[_Planned]:
        """A program reads the page under the shopper's name, and follows the copy's link whatever the copy is."""
        more = {"token": self._heard.token, "user_agent": AGENTS[int(self._chance("which agent") * len(AGENTS))]}
        yield seen_ms, "agent_impression", self._fields("copy_impression", "gi", now_ms, **more)
        click_ms = seen_ms + self._after(self._chances.to_agent_click_ms, "to agent click")
        yield click_ms, "agent_click", self._fields("copy_click", "gc", now_ms, **more)

    def _after_click(self, truth: Truth, click_ms: int, now_ms: int) -> Iterator[_Planned]:
        chances, heard = self._chances, self._heard
        buys = self._happens(truth.order_per_click, "order")
        carts = self._happens(chances.carted_by_buyers if buys else chances.carted_by_others, "cart")
        if carts and heard.kind != _NO_CHAIN:
            cart_ms = click_ms + self._after(chances.to_cart_ms, "to cart")
            yield (
                cart_ms,
                "cart",
                self._fields("cart_added", "a", now_ms, product_id=heard.product_id, token=heard.token),
            )
        price = heard.catalogue.price_minor
        currency = heard.catalogue.currency
        if buys and price is not None and currency is not None:
            yield from self._order(price, currency, click_ms, now_ms)

    def _order(self, price: int, currency: str, click_ms: int, now_ms: int) -> Iterator[_Planned]:
        chances = self._chances
        order_ms = click_ms + self._after(chances.to_order_ms, "to order")
        foreign = self._happens(chances.foreign, "foreign")
        if foreign:
            currency = "EUR" if currency != "EUR" else "USD"
        # Half of all orders name their decision; of the rest some are at least of the same session.
        way = self._chance("way")
        by_line = way < chances.line_token
        by_order = not by_line and way < chances.line_token + chances.order_token
        elsewhere = way >= chances.line_token + chances.order_token + chances.same_session
        lines = self._lines(price, with_token=by_line)
        order: dict[str, object] = {"order_id": self._name, "currency": currency, "lines": lines}
        if by_order:
            order["token"] = self._heard.token
        if elsewhere:
            order["session_id"] = f"checkout-{self._heard.decision_id}"
        yield order_ms, "order_foreign" if foreign else "order", self._fields("order_placed", "o", now_ms, **order)
        if self._happens(chances.refunded, "refund"):
            refund_ms = order_ms + self._after(chances.to_refund_ms, "to refund")
            yield refund_ms, "refund", self._fields("order_refunded", "b", now_ms, **self._refund(price))

    def _lines(self, price: int, *, with_token: bool) -> list[dict[str, object]]:
        """One line, or two of the same product: another size of it."""
        quantities = [1 + int(self._chance("quantity") * 3)]
        if self._happens(self._chances.two_lines, "two lines"):
            quantities.append(1)
        token: dict[str, object] = {"token": self._heard.token} if with_token else {}
        return [
            {
                "line": line,
                "product_id": self._heard.product_id,
                "quantity": quantity,
                "revenue_minor": quantity * price,
                **token,
            }
            for line, quantity in enumerate(quantities, 1)
        ]

    def _refund(self, price: int) -> dict[str, object]:
        """The whole order, one piece of the first line, or half a piece's price for it."""
        ids: dict[str, object] = {"refund_id": f"{self._name}-b", "order_id": self._name}
        form = self._chance("refund form")
        if form < 0.5:
            return ids
        if form < 0.75:
            return {**ids, "lines": [{"line": 1, "quantity": 1}]}
        return {**ids, "lines": [{"line": 1, "revenue_minor": price // 2}]}

    def _fields(self, kind: str, suffix: str, now_ms: int, **more: object) -> dict[str, object]:
        heard = self._heard
        return {
            "kind": kind,
            "event_id": f"{self._name}-{suffix}",
            "user_id": heard.user_id,
            "session_id": f"{heard.user_id}-{now_ms // _SESSION_MS}",
            **more,
        }

    def _forged(self) -> str:
        """The token with one character changed."""
        token = self._heard.token
        place = int(self._chance("forged place") * len(token))
        start = _ALPHABET.index(token[place])
        other = _ALPHABET[(start + 1 + int(self._chance("forged character") * 63)) % 64]
        return token[:place] + other + token[place + 1 :]

    def _chance(self, what: str) -> float:
        return unit(self._seed, "audience", self._heard.decision_id, what)

    def _happens(self, probability: float, what: str) -> bool:
        return self._chance(what) < probability

    def _after(self, span: Span, what: str) -> int:
        low, high = span
        return low + int((high - low) * self._chance(f"after {what}"))
