"""The view of rates: sums over cells, intervals, and a table that fits a panel of 80 columns."""

import io

import pytest
from rich.console import Console

from inference.decide.intervals import wilson
from patter.demo.view_rates import Learned, rates_table, variant_rates
from schemas.partials import CellMetrics, Rate


def _cell(variant: str, category: str = "shoes", bucket: str = "life", **counters: int) -> CellMetrics:
    return CellMetrics(
        family="cohort",
        bucket=bucket,
        experiment="default",
        category=category,
        segment="new",
        variant=variant,
        counters=counters,
        sources={},
        revision=1,
    )


CELLS = [
    _cell("warm", impressions=12_000, clicks=3_000, carts=40, orders=31, clicked_carts=30, impressed_orders=24),
    _cell("warm", "bags", impressions=3_000, clicks=1_000, clicked_carts=10, impressed_orders=6),
    _cell("warm", bucket="1d:0", impressions=77),
    _cell("a_rather_long_name_of_an_arm", impressions=0),
]
LEARNED = Learned(version=12, age_s=1.26, best_share=0.71, best_share_first=0.33)


def _shown(learned: Learned = LEARNED, cells: list[CellMetrics] = CELLS) -> str:
    out = io.StringIO()
    Console(file=out, width=120, color_system=None).print(rates_table(variant_rates(cells), learned))
    return out.getvalue()


def test_cells_are_added_up_by_variant() -> None:
    unseen, warm = variant_rates(CELLS)
    assert (warm.variant, warm.impressions, warm.clicks, warm.carts, warm.orders) == ("warm", 15_000, 4_000, 40, 31)
    assert warm.ctr == Rate(4 / 15, *wilson(4_000, 15_000))
    assert warm.cart_per_click.value == pytest.approx(0.01)
    assert warm.order_per_impression.value == pytest.approx(0.002)
    assert unseen.ctr == unseen.cart_per_click == Rate(None, None, None)


def test_the_table_tells_rates_intervals_and_the_policy() -> None:
    text = _shown()
    low, high = wilson(4_000, 15_000)
    assert f"26.7% ({100 * low:.1f} to {100 * high:.1f})" in text
    assert "15,000" in text
    assert "policy 12, 1.3 s old" in text
    assert "71.0%, at first 33.0%" in text
    assert "simulated" in text
    assert max(len(line.rstrip()) for line in _shown(cells=CELLS[:3]).splitlines()) <= 76


def test_before_anything_came_back_the_table_says_so() -> None:
    text = _shown(Learned(version=None, age_s=None, best_share=None, best_share_first=None), [])
    assert "no feedback yet" in text
    assert "policy none" in text
    assert "best arm -" in text
