"""Another P_conv ranks the pool anew: by the newest version, without a word written, and with bounded work."""

from collections.abc import Callable
from typing import Any

import pytest
from conversions import model
from generate_rig import BRIGHT, DULL, NOW_MS, Numbered, Rig, entry_in, filled, states_of
from msgspec.structs import replace

from inference.decide.policy import Policy
from inference.text.conversion import Conversion, p_conv
from inference.text.refit import in_force
from schemas.policies import Beta, ConversionFit, PolicySnapshot
from streams.generate import revisions
from streams.generate.predicting import RENEW_MS

# DULL is the shorter one.
SHORT = model(words=-0.2)


def fit(weight: float, base: Conversion = SHORT) -> ConversionFit:
    return ConversionFit(base=base.version, weights={"words": weight}, texts=2, impressions=10)


def tell(made: Rig, weight: float | None, version: int, base: Conversion = SHORT) -> dict[str, Any]:
    """A policy with P_conv refitted, or the bundle's own, comes in; what is published then."""
    refitted = None if weight is None else fit(weight, base)
    made.states.policy = Policy(
        PolicySnapshot(
            version=version,
            experiment="x",
            created_ms=NOW_MS,
            seed="s",
            epsilon=0.1,
            prior={"warm": Beta(1.0, 1.0)},
            conversion=refitted,
        )
    )
    made.worker.idle()
    return made.run() if made.worker.wants() else {}


@pytest.fixture
def made(rig: Callable[..., Rig]) -> Rig:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0, conversion=SHORT)
    entry = filled(made, made.ask())
    assert states_of(entry) == {DULL: "active", BRIGHT: "standby"}
    assert entry.candidates[0].scores["p_conv"] == round(p_conv(SHORT, DULL), 6)
    return made


def test_another_version_ranks_anew_without_a_word_written(made: Rig) -> None:
    asked = len(made.writer.asked)
    after = entry_in(tell(made, 0.2, 1))
    assert states_of(after) == {BRIGHT: "active", DULL: "standby"}
    other = in_force(SHORT, fit(0.2))
    assert other is not None
    assert made.predicting.version == other.version
    assert after.candidates[0].scores["p_conv"] == round(p_conv(other, BRIGHT), 6)
    assert after.candidates[0].scores["reward"] == after.candidates[0].scores["p_conv"]
    assert len(made.writer.asked) == asked
    assert made.outcomes()["revised"] == 1


def test_a_version_is_taken_at_most_every_so_often_and_then_the_newest(made: Rig) -> None:
    tell(made, 0.2, 1)
    made.now_ms += RENEW_MS - 1
    assert tell(made, -0.2, 2) == {}
    assert tell(made, -0.3, 3) == {}
    made.now_ms += 1
    assert states_of(entry_in(tell(made, -0.3, 3)))[DULL] == "active"
    newest = in_force(SHORT, fit(-0.3))
    assert newest is not None
    assert made.predicting.version == newest.version


def test_the_same_version_is_no_work(made: Rig) -> None:
    tell(made, 0.2, 1)
    made.now_ms += RENEW_MS
    asked = made.predicting.asked
    assert tell(made, 0.2, 2) == {}
    assert not made.worker.wants()
    assert made.predicting.asked == asked


def test_back_to_the_bundles_own(made: Rig) -> None:
    tell(made, 0.2, 1)
    made.now_ms += RENEW_MS
    assert states_of(entry_in(tell(made, None, 2)))[DULL] == "active"
    assert made.predicting.version == SHORT.version


def test_a_fit_of_another_bundles_model_is_not_used(made: Rig) -> None:
    assert tell(made, 0.2, 1, base=model(words=0.1)) == {}
    assert made.predicting.version == SHORT.version


def test_a_score_that_moves_unnoticeably_is_not_published(made: Rig) -> None:
    assert tell(made, -0.2004, 1).get("copy", []) == []
    assert made.predicting.version != SHORT.version


def test_without_a_model_nothing_changes(rig: Callable[..., Rig]) -> None:
    made = rig(Numbered(DULL, BRIGHT), candidates=2, creativity=0.0)
    before = filled(made, made.ask())
    assert tell(made, 0.2, 1) == {}
    assert made.predicting.version is None
    assert made.predicting.predict(DULL, "new") is None
    assert filled(made) == before


def test_a_pass_over_the_pool_is_in_stretches(rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "MOST_ASKED", 2)
    made = rig(Numbered(DULL), conversion=SHORT)
    filled(made, made.ask())
    (key,) = made.pool.keys(lambda _: True)
    entry = made.pool.entry(key)
    assert entry is not None
    (text,) = entry.candidates
    for number in range(9):
        one = replace(text, copy_id=f"c{number}", slot_text=f"{{NAME}} for {{PRICE}}{' and more' * number}.")
        made.pool.apply(replace(key, segment=f"s{number}"), replace(entry, segment=f"s{number}", candidates=[one]))
    tell(made, 0.2, 1)
    steps = 1
    while made.worker.wants():
        made.run()
        steps += 1
    assert steps == 5
    entries = [made.pool.entry(key) for key in made.pool.keys(lambda _: True)]
    assert len(entries) == 10
    assert all(each is not None and each.candidates[0].scores["p_conv"] > 0.5 for each in entries)
