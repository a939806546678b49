"""Heavy hitters: bounds that always hold, and a sketch that bytes do not change."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.aggregates.top import HELD, WIDEST, Top, ranking

# Products by a skewed law, as in a shop: a few bring much, thousands bring little. More of them than are held.
ADDED = st.tuples(st.integers(0, 2**32), st.integers(1_000, 6_000), st.integers(1, 2**40))


def stream(seed: int, length: int, most: int) -> list[tuple[int, int]]:
    """Items with amounts, thousands of them different."""
    state, found = seed or 1, []
    for _ in range(length):
        state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        share = (state >> 11) / 2**53
        found.append((int(3_000 * share**3), 1 + (state >> 20) % most))
    return found


def of(added: list[tuple[int, int]]) -> Top:
    made = Top()
    for item, amount in added:
        made.add(item, amount)
    return made


def truth(added: list[tuple[int, int]]) -> Counter[int]:
    counted: Counter[int] = Counter()
    for item, amount in added:
        counted[item] += amount
    return counted


@settings(max_examples=25, deadline=None)
@given(ADDED)
def test_the_bounds_hold_the_truth_of_every_item(drawn: tuple[int, int, int]) -> None:
    added = stream(*drawn)
    top, exact = of(added), truth(added)
    lows = top.lows()
    assert top.total == exact.total()
    assert top.slack <= WIDEST * top.total
    assert len(lows) <= HELD
    for item, amount in exact.items():
        assert lows.get(item, 0) <= amount <= lows.get(item, 0) + top.slack


@settings(max_examples=25, deadline=None)
@given(ADDED, st.lists(st.integers(1, 2_000), max_size=6))
def test_bytes_change_nothing_that_comes_after(drawn: tuple[int, int, int], stops: list[int]) -> None:
    added = stream(*drawn)
    straight, broken, at = of(added), Top(), 0
    for stop in [*stops, len(added)]:
        for item, amount in added[at : at + stop]:
            broken.add(item, amount)
        at += stop
        broken = Top(broken.data())
    assert broken.content() == straight.content()


@settings(max_examples=15, deadline=None)
@given(st.lists(ADDED, min_size=1, max_size=3), st.integers(1, 20))
def test_a_ranking_over_sources_holds_the_truth(drawn: list[tuple[int, int, int]], most: int) -> None:
    streams = [stream(*each) for each in drawn]
    found = ranking([of(added) for added in streams], most)
    exact = truth([pair for added in streams for pair in added])
    assert found.total == exact.total()
    listed = {each.item: each for each in found.items}
    assert all(each.low <= exact[item] <= each.high for item, each in listed.items())
    assert max((amount for item, amount in exact.items() if item not in listed), default=0) <= found.others_at_most
    least = sorted(exact.values())[-most:][0]
    greatest = {item for item, amount in exact.items() if amount >= least}
    assert {each.item for each in found.items if each.certain} <= greatest


def test_few_items_are_exact() -> None:
    added = [(item, item) for item in range(1, HELD)] * 3
    found = ranking([of(added)], 2)
    assert [(each.item, each.low, each.high, each.certain) for each in found.items] == [
        (HELD - 1, 3 * (HELD - 1), 3 * (HELD - 1), True),
        (HELD - 2, 3 * (HELD - 2), 3 * (HELD - 2), True),
    ]
    assert found.others_at_most == 3 * (HELD - 3)


def test_nothing_is_a_ranking_of_nothing() -> None:
    assert ranking([], 5) == ranking([Top()], 5)
    assert ranking([], 5).items == []


def test_sums_end_far_above_what_amounts_come_to() -> None:
    top = of([(1, 2**40)] * 5)
    assert top.content() == (5 * 2**40, 0, {1: 5 * 2**40})


def test_it_stays_small() -> None:
    assert len(of(stream(3, 20_000, 100)).data()) < 13_000


@pytest.mark.parametrize("data", [b"", b"\x00", b"nothing of the kind", of([(1, 2)]).data()[:9]])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="frequent items"):
        Top(data)
