"""What a product's record makes false is not shown in the next batch, and returns with the fact."""

from collections.abc import Callable
from typing import Any

WARM = {"template": (1.0, 1.0), "warm": (1e9, 1.0), "bold": (1.0, 1e9)}


def shown(bench: Any, event: str) -> tuple[str | None, str | None]:
    (decision,) = bench.decide(bench.view(event))
    return decision.text, decision.override


def test_nothing_asks_for_a_product_of_which_none_is_left(make_bench: Callable[..., Any]) -> None:
    bench = make_bench()
    bench.prefer(**WARM)
    bench.copy("{NAME} waits for you.")
    for event, stock, told in (
        ("a", None, ("Trail Mug waits for you.", None)),
        ("b", 0, (None, "out_of_stock")),
        ("c", -1, (None, "out_of_stock")),
        ("d", 1, ("Trail Mug waits for you.", None)),
    ):
        bench.product(stock=stock)
        assert shown(bench, event) == told
    bench.product(stock=0)
    (decision,) = bench.decide(bench.view("e"))
    assert (decision.action, decision.arm, decision.excluded) == ("none", None, True)
    assert "requests" not in bench.run(bench.view("f"))


def test_who_is_held_out_and_who_is_not_are_told_alike_that_none_is_left(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(holdout=1.0)
    bench.product(stock=3)
    assert shown(bench, "a") == (None, "holdout")
    bench.product(stock=0)
    assert shown(bench, "b") == (None, "out_of_stock")


def test_a_text_about_a_fact_that_has_left_the_record_returns_with_it(make_bench: Callable[..., Any]) -> None:
    bench = make_bench()
    bench.prefer(**WARM)
    bench.copy("{NAME} with {FEATURE}, now {OFF} less.")
    lid, less = {"features": ["a lid"]}, {"discount_percent": 20.0}
    for event, facts, lost in (("a", lid | less, None), ("b", lid, "20%"), ("c", less, "lid"), ("d", lid | less, None)):
        bench.product(**facts)
        (decision,) = bench.decide(bench.view(event))
        if lost is None:
            assert decision.text == "Trail Mug with a lid, now 20% less."
        else:
            assert decision.ineligible["warm"] == "slot_unfilled"
            assert lost not in decision.text
