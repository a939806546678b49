"""The rates that are reported, equations 4 to 6 of the paper that Patter follows (arXiv 2505.23809), and one more.

All are of decisions: `clicks` are decisions with a click, `orders` decisions with an order (docs/feedback.md). None
where there is nothing to divide by.
"""


def click_rate(clicks: int, impressions: int) -> float | None:
    """Equation 4: CTR = clicks / impressions."""
    return _quotient(clicks, impressions)


def cart_rate(carts: int, clicks: int) -> float | None:
    """Equation 5: add-to-cart rate = decisions with a cart after their click / clicks."""
    return _quotient(carts, clicks)


def order_rate(orders: int, impressions: int) -> float | None:
    """Equation 6: what the paper calls CVR is orders / impressions, click or not (elsewhere CTCVR)."""
    return _quotient(orders, impressions)


def order_rate_of_clicks(orders: int, clicks: int) -> float | None:
    """What most shops call a conversion rate: decisions with an order after their click / clicks.

    Never choose a winner by it alone: who clicks is itself an effect of the copy.
    """
    return _quotient(orders, clicks)


def _quotient(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
