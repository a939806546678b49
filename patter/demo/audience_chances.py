"""How often the demo's shoppers do what, and how long they take: what is not a matter of the arm."""

from msgspec import Struct

Span = tuple[int, int]
"""From and to, in ms."""


class Chances(Struct, frozen=True, kw_only=True):
    """Probabilities, each given what has to come before; and delays in ms after what came before.

    Faults that feeds have (repeats, events out of order, late ones, forged tokens) come on top of what shoppers do, so
    that they change no rate. So do agents: programs that look at a shopper's page for them, and click whatever it says.
    """

    seen: float = 0.9
    repeated: float = 0.03
    late: float = 0.004
    forged: float = 0.015
    agent: float = 0.02
    click_first: float = 0.05
    carted_by_buyers: float = 0.8
    carted_by_others: float = 0.15
    two_lines: float = 0.25
    foreign: float = 0.03
    refunded: float = 0.15
    line_token: float = 0.35
    order_token: float = 0.2
    same_session: float = 0.25
    to_impression_ms: Span = (50, 400)
    to_repeat_ms: Span = (100, 2_000)
    to_agent_click_ms: Span = (150, 600)
    to_click_ms: Span = (200, 2_000)
    to_cart_ms: Span = (200, 800)
    to_order_ms: Span = (1_000, 2_500)
    to_refund_ms: Span = (1_000, 3_000)


USUAL = Chances()

LATE_MS = 8 * 86_400_000
"""How old a late event is: past the 7 days that collect waits by default, within the 30 that the decoder takes."""
