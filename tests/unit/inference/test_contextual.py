"""The contextual belief that serves: bounded, the same from a snapshot, and warm where P_conv says so."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.decide import contextual as module
from inference.decide.contextual import Attributes, contextual
from inference.decide.fit import Place, Tally
from inference.decide.policy import Policy
from schemas.policies import Beta, Contextual, PolicySnapshot, TrialBeliefs

STYLES = {
    "template": {"template": 1.0},
    "warm_shop": {"tone:warm": 1.0, "cta:shop": 1.0},
    "warm_see": {"tone:warm": 1.0, "cta:see": 1.0},
    "bold_shop": {"tone:bold": 1.0, "cta:shop": 1.0},
}
ARMS = tuple(STYLES)


def snapshot(about: Contextual | None, **changes: object) -> PolicySnapshot:
    made = PolicySnapshot(
        version=3, experiment="x", created_ms=0, seed="x:3", epsilon=0.1, prior={arm: Beta(1, 1) for arm in ARMS}
    )
    return msgspec.structs.replace(made, contextual=about, **changes)


def counts(rates: dict[str, float], trials: int = 2_000, segment: str = "new") -> dict[Place, Tally]:
    return {("bags", segment, arm): Tally(rate * trials, trials) for arm, rate in rates.items()}


def test_a_new_arm_is_drawn_as_its_like_were_found_to_be() -> None:
    """warm_see was never shown: that warm copy does well is known of warm_shop against bold_shop."""
    known = counts({"template": 0.05, "warm_shop": 0.09, "bold_shop": 0.05})
    drawn = Policy(snapshot(contextual(known, STYLES, 4.0))).choices("shoes", "new", ("template", "warm_see"))
    assert drawn.probabilities[1] > 0.8
    nothing = Policy(snapshot(contextual({}, STYLES, 4.0))).choices("shoes", "new", ("template", "warm_see"))
    assert 0.2 < nothing.probabilities[1] < 0.8


def test_arms_begin_where_p_conv_puts_their_texts() -> None:
    cold, warm = (
        Policy(snapshot(contextual({}, STYLES, 1.0, begin))).choices("bags", "new", ARMS)
        for begin in (None, {"bold_shop": 0.6, "template": -0.2})
    )
    assert warm.probabilities[3] > cold.probabilities[3] + 0.2
    assert contextual({}, STYLES, 1.0, {"bold_shop": 0.6}).warm == {"bold_shop": 0.6}


def test_what_a_segment_likes_is_its_own() -> None:
    known = counts({"warm_shop": 0.10, "bold_shop": 0.05}) | counts(
        {"warm_shop": 0.05, "bold_shop": 0.10}, segment="loyal"
    )
    policy = Policy(snapshot(contextual(known, STYLES, 1.0)))
    arms = ("warm_shop", "bold_shop")
    assert policy.choices("bags", "new", arms).probabilities[0] > 0.8
    assert policy.choices("bags", "loyal", arms).probabilities[1] > 0.8


def test_sharpness_divides_the_variance_and_leaves_the_means() -> None:
    known = counts({"warm_shop": 0.09, "bold_shop": 0.05}, 300)
    plain, sharp = (contextual(known, STYLES, sharpness) for sharpness in (1.0, 4.0))
    assert plain.mean == sharp.mean
    for one, other in zip(plain.factor, sharp.factor, strict=True):
        assert np.array(one) / 2 == pytest.approx(np.array(other), abs=2e-5)


def test_it_goes_through_the_topic_and_draws_the_same() -> None:
    made = snapshot(contextual(counts({"warm_shop": 0.09, "bold_shop": 0.05}), STYLES, 4.0))
    read = msgspec.json.decode(msgspec.json.encode(made), type=PolicySnapshot)
    assert read == made
    for eligible in itertools.combinations(ARMS, 3):
        assert Policy(read).choices("bags", "new", eligible) == Policy(made).choices("bags", "new", eligible)


def test_probabilities_are_those_of_the_draws_and_the_floor() -> None:
    made = snapshot(contextual(counts({"warm_shop": 0.09, "bold_shop": 0.05}), STYLES, 4.0))
    found = Policy(made).choices("bags", "new", ARMS).probabilities
    assert sum(found) == pytest.approx(1)
    floor = 0.1 / len(ARMS)
    shares = [(p - floor) / 0.9 * module.DRAWS for p in found]
    assert shares == pytest.approx([round(share) for share in shares])


def test_an_arm_without_attributes_stands_at_the_level_of_its_cell() -> None:
    policy = Policy(snapshot(contextual(counts({"warm_shop": 0.2, "bold_shop": 0.02}), STYLES, 4.0)))
    drawn = policy.choices("bags", "new", ("warm_shop", "unheard"))
    assert drawn.probabilities[0] > 0.9


def test_adaptive_experiments_have_their_own_beliefs_all_the_same() -> None:
    trial = TrialBeliefs(experiment="spring", prior={"template": Beta(1, 99), "warm_shop": Beta(99, 1)})
    policy = Policy(snapshot(contextual(counts({"template": 0.2, "warm_shop": 0.02}), STYLES, 4.0), trials=[trial]))
    arms = ("template", "warm_shop")
    assert policy.choices("bags", "new", arms).probabilities[0] > 0.9
    assert policy.choices("bags", "new", arms, "spring").probabilities[1] > 0.9


def test_it_stays_bounded_and_leaves_out_what_counts_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 24)
    monkeypatch.setattr(module, "MOST_CELLS", 2)
    known: dict[Place, Tally] = {}
    for place in range(6):
        known |= counts({"warm_shop": 0.1, "bold_shop": 0.05}, trials=100 * (place + 1), segment=f"s{place}")
    found = contextual(known, STYLES, 1.0)
    assert len(found.names) <= 24
    assert {name.partition("|")[2] for name in found.names} == {"", "s5"}
    drawn = Policy(snapshot(found)).choices("bags", "s0", ("warm_shop", "bold_shop"))
    assert drawn.probabilities[0] > 0.8


@given(st.permutations([(category, segment, arm) for category in "ab" for segment in "xy" for arm in ARMS]))
def test_the_order_of_counts_plays_no_part(places: list[Place]) -> None:
    known = {place: Tally(7.5 * (1 + ord(place[0]) % 3), 100 + ord(place[1])) for place in places}
    assert contextual(known, STYLES, 4.0) == contextual(dict(sorted(known.items())), STYLES, 4.0)


def test_segments_and_arms_of_any_name_are_told_apart() -> None:
    known = {("bags", "a|b", "warm_shop"): Tally(9, 100), ("bags", "a", "warm_shop"): Tally(1, 100)}
    about = contextual(known, STYLES, 1.0)
    assert Attributes(about).of("a|b", ("warm_shop",)).rows["warm_shop"]["tone:warm|a|b"] == 1.0
