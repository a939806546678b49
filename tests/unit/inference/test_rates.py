"""Equations 4 to 6 by their definitions; order per impression and per click are not the same."""

import pytest

from inference.decide.rates import cart_rate, click_rate, order_rate, order_rate_of_clicks

RATES = (click_rate, cart_rate, order_rate, order_rate_of_clicks)


def test_of_a_thousand_impressions() -> None:
    impressions, clicks, carts, orders = 1_000, 120, 30, 12
    assert click_rate(clicks, impressions) == pytest.approx(0.12)
    assert cart_rate(carts, clicks) == pytest.approx(0.25)
    assert order_rate(orders, impressions) == pytest.approx(0.012)
    assert order_rate_of_clicks(orders, clicks) == pytest.approx(0.1)


def test_a_winner_by_one_rate_may_lose_by_another() -> None:
    """Copy that only buyers click has few clicks, and all of them order."""
    narrow, wide = (1_000, 20, 10), (1_000, 200, 30)
    assert (order_rate_of_clicks(narrow[2], narrow[1]) or 0) > (order_rate_of_clicks(wide[2], wide[1]) or 0)
    assert (order_rate(narrow[2], narrow[0]) or 0) < (order_rate(wide[2], wide[0]) or 0)


@pytest.mark.parametrize("rate", RATES)
def test_without_trials_there_is_no_rate(rate) -> None:
    assert rate(0, 0) is None
