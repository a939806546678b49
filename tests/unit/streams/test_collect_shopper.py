"""What of a shopper is remembered: the newest touches that can matter, and the bits of every other decision."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.cells import DAY_MS
from streams.collect.rules import CLICK_MS, TOUCHES
from streams.collect.shopper import CLICKED, SEEN, Decision, Shopper

HIGH_MS, LATE_MS = 1_000 * DAY_MS, DAY_MS
OLDEST_MS = HIGH_MS - LATE_MS - CLICK_MS

near = st.integers(OLDEST_MS - 3, OLDEST_MS + 3)
touched = st.one_of(st.none(), near, st.integers(OLDEST_MS, HIGH_MS))
decisions = st.lists(st.tuples(touched, touched), max_size=16)


def a_shopper(found: list[tuple[int | None, int | None]]) -> Shopper:
    held = []
    for number, (seen, clicked) in enumerate(found):
        decision = Decision(number, HIGH_MS - 1, 0, 1)
        if seen is not None:
            decision.bits |= SEEN
            decision.see(seen, 2 * number, 7)
        if clicked is not None:
            decision.bits |= CLICKED
            decision.click(clicked, 2 * number + 1, 7)
        held.append(decision)
    return Shopper(held=held)


@given(decisions)
def test_the_newest_touches_that_can_matter_stay_and_no_decision_is_forgotten(
    found: list[tuple[int | None, int | None]],
) -> None:
    known = a_shopper(found)
    touches = [
        (moment, 2 * number + kind)
        for number, pair in enumerate(found)
        for kind, moment in enumerate(pair)
        if moment is not None
    ]
    newest = sorted(touches, reverse=True)[:TOUCHES]
    known.close(HIGH_MS, LATE_MS)
    assert sorted(each.at for each in known.touches()) == sorted(each for each in newest if each[0] >= OLDEST_MS)
    for number, (seen, clicked) in enumerate(found):
        decision = known.known(number, HIGH_MS)
        assert decision is not None
        assert decision.bits == SEEN * (seen is not None) + CLICKED * (clicked is not None)
    again = a_shopper(found)
    again.close(HIGH_MS, LATE_MS)
    once = again.touches()
    again.close(HIGH_MS, LATE_MS)
    assert again.touches() == once
