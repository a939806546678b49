"""What a run gained on held-out products: the same prompts before and after, products as units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scored_texts import ROW, scored

from training.objective.gain import gain, spread


def rows_of(counts):
    return [
        replace(ROW, product=replace(ROW.product, product_id=f"p{number}"))
        for number, count in enumerate(counts)
        for _ in range(count)
    ]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 30), st.integers(0, 9))
def test_products_have_as_many_prompts_as_each_other_where_they_can(counts, most, seed):
    rows = rows_of(counts)
    places = spread(rows, most, seed)
    assert places == sorted(set(places))
    assert len(places) == min(most, len(rows))
    assert places == spread(rows, most, seed)
    held = dict.fromkeys({row.product.product_id for row in rows}, 0)
    for place in places:
        held[rows[place].product.product_id] += 1
    for product, count in held.items():
        if count < sum(row.product.product_id == product for row in rows):
            assert max(held.values()) - count <= 1


def test_a_gain_is_that_of_the_same_prompts_and_a_gate_counts_as_nothing():
    before = [scored(0, [0.2, None]), scored(0, [0.4, 0.4]), scored(1, [0.5, 0.5])]
    after = [scored(0, [0.6, 0.4]), scored(0, [0.4, 0.4]), scored(1, [0.5, None])]
    found = gain(before, after, 1)
    assert found["reward"]["before"] == pytest.approx((0.1 + 0.4 + 0.5) / 3, abs=1e-4)
    assert found["reward"]["after"] == pytest.approx((0.5 + 0.4 + 0.25) / 3, abs=1e-4)
    assert found["reward"]["difference"]["value"] == pytest.approx((0.4 + 0 - 0.25) / 3, abs=1e-4)
    assert found["reward"]["difference"]["n"] == 2
    assert found["passed"] == {
        "before": pytest.approx(2.5 / 3, abs=1e-4),
        "after": pytest.approx(2.5 / 3, abs=1e-4),
        "difference": {"value": 0.0, "low": pytest.approx(-0.5), "high": pytest.approx(0.25), "n": 2},
    }


def test_what_all_products_gain_is_above_zero_and_what_half_of_them_lose_is_not():
    before = [scored(number, [0.3, 0.3]) for number in range(20)]
    better = gain(before, [scored(number, [0.3 + 0.01 * number + 0.01, 0.3]) for number in range(20)], 1)
    assert better["reward"]["difference"]["low"] > 0
    mixed = gain(before, [scored(number, [0.3 + (0.1 if number % 2 else -0.1), 0.3]) for number in range(20)], 1)
    assert mixed["reward"]["difference"]["low"] < 0 < mixed["reward"]["difference"]["high"]
