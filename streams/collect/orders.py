"""Orders and refunds: which lines are new, whom they are credited to, what a refund takes back."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from schemas.events import OrderLine, OrderPlaced, OrderRefunded, RefundLine
from schemas.token import NO_CODE, Claims, code_of
from streams.collect.counts import Counts
from streams.collect.ledger import NOBODY, Line, Order
from streams.collect.shopper import ORDERED, Decision, Shopper


class Buyer(Struct, frozen=True):
    """Who orders, and when; how a token's decision is found, how one is marked, and how amounts are counted in one."""

    name: str
    shopper: Shopper
    decision: Callable[[Shopper, Claims], Decision]
    mark: Callable[[Shopper, Decision, int, int], bool]
    count: Callable[[Shopper, Decision, int, dict[str, int]], None]
    moment_ms: int
    session: int


def place(
    counts: Counts,
    order: Order | None,
    event: OrderPlaced,
    own: Claims | None,
    claims: Sequence[Claims | None],
    buyer: Buyer,
    currency: str,
) -> Order | None:
    """Count an order's new lines; answers the order as it is now known, None where nothing of it is new.

    `own` is what the order's token says, `claims` what each line's says.
    """
    known = order or Order(buyer.moment_ms)
    total, counted = counts.total, event.currency == currency
    fresh = 0
    for line, said in zip(event.lines, claims, strict=True):
        if str(line.line) in known.lines:
            continue
        fresh += 1
        decision, match = _credit(line, said, own, buyer)
        total[match] += 1
        total["order_lines"] += 1
        entry = Line(line.revenue_minor if counted else None, line.quantity)
        total["revenue_minor"] += entry.revenue_minor or 0
        if decision is not None:
            entry.decision, entry.decided_ms = decision.id, decision.decided_ms
            entry.arm, entry.copy = decision.arm, decision.copy
            entry.pair, entry.weight, entry.buyer = decision.pair, decision.weight, buyer.name
            buyer.mark(buyer.shopper, decision, ORDERED, buyer.moment_ms)
            amounts = {"order_lines": 1, "revenue_minor": entry.revenue_minor or 0}
            buyer.count(buyer.shopper, decision, buyer.moment_ms, amounts)
        known.lines[str(line.line)] = entry
    if not fresh:
        total["duplicates"] += 1
        return None
    total["orders"] += order is None
    total["currency_mismatch"] += not counted
    return known


def _credit(line: OrderLine, said: Claims | None, own: Claims | None, buyer: Buyer) -> tuple[Decision | None, str]:
    product = code_of(line.product_id)
    if said is None and own is not None and own.product == product:
        said = own
    if said is not None:
        return buyer.decision(buyer.shopper, said), "match_token"
    touch = buyer.shopper.answered(product, buyer.moment_ms)
    if touch is None:
        return None, "match_none"
    same = touch.session == buyer.session != NO_CODE
    return touch.decision, "match_session" if same else "match_inferred"


def refund(
    counts: Counts, order: Order | None, event: OrderRefunded, count: Callable[[Line, dict[str, int]], None]
) -> bool:
    """Count a refund and take note of it in its order; whether it is a new one of an order that is known.

    `count` counts amounts in the decision of a line, once for each decision of each buyer.
    """
    total = counts.total
    if order is None:
        total["refund_unknown"] += 1
        return False
    if event.refund_id in order.refunds:
        total["duplicates"] += 1
        return False
    order.refunds.append(event.refund_id)
    total["refunds"] += 1
    amounts: dict[tuple[str, int, int], int] = {}
    whose: dict[tuple[str, int, int], Line] = {}
    for line, asked in _refunded(order, event):
        if line is None:
            total["refund_unknown"] += 1
            continue
        amount = _amount(line, asked)
        total["refunded_minor"] += amount
        if line.decision != NOBODY:
            place = (line.buyer, line.decision, line.decided_ms)
            amounts[place] = amounts.get(place, 0) + amount
            whose[place] = line
    for place, amount in amounts.items():
        count(whose[place], {"refunds": 1, "refunded_minor": amount})
    return True


def _refunded(order: Order, event: OrderRefunded) -> list[tuple[Line | None, RefundLine | None]]:
    """The lines that a refund means, and what it says of each."""
    if not event.lines:
        return [(line, None) for line in order.lines.values()]
    return [(order.lines.get(str(asked.line)), asked) for asked in event.lines]


def _amount(line: Line, asked: RefundLine | None) -> int:
    if line.revenue_minor is None:
        return 0
    if asked is not None and asked.revenue_minor is not None:
        return asked.revenue_minor
    if asked is not None and asked.quantity is not None:
        return line.revenue_minor * min(asked.quantity, line.quantity) // line.quantity
    return line.revenue_minor
