"""P_conv refitted to clicks: what it finds, what it leaves alone, and that order does not matter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from inference.text import refit as module
from inference.text.conversion import Conversion, Weight, p_conv, score, versioned
from inference.text.refit import PRIOR_SD, Refit, Shown, Vectors, in_force, refit, with_weights

NAMES = ("characters", "question", "exclamation", "you", "digits", "keyword_strength")


def model(**weights: float) -> Conversion:
    scales = {"characters": (40.0, 15.0), "keyword_strength": (0.0, 0.5)}
    parts = {
        name: Weight(
            mean=scales.get(name, (0.3, 0.5))[0], scale=scales.get(name, (0.3, 0.5))[1], weight=weights.get(name, 0.0)
        )
        for name in NAMES
    }
    return versioned(
        Conversion(
            schema=1,
            version="",
            attributes=parts,
            segments={"loyal": {"question": 0.2}},
            ngrams={"free": 0.8, "old": -0.6, "your": 0.3},
            order=2,
            source={"rows": 3},
            figures={},
        )
    )


OFFLINE = model(characters=-0.05, question=0.1, you=0.08, keyword_strength=0.15)
WORDS = ("free", "old", "your", "new", "soft", "red", "warm", "you", "bag", "lamp", "for", "and", "today", "20")


def texts_of(chance: np.random.Generator, count: int) -> dict[int, str]:
    made = {}
    for code in range(1, count + 1):
        words = chance.choice(WORDS, size=chance.integers(3, 12))
        made[code] = " ".join(words) + str(chance.choice(["", "?", "!", "."]))
    return made


def cells_of(
    chance: np.random.Generator,
    truth: Conversion,
    texts: dict[int, str],
    shown: int,
    own: float = 0.0,
    strata: Sequence[tuple[str, str]] = (("bags", "new"), ("bags", "loyal"), ("toys", "new")),
) -> list[Shown]:
    """Clicks as the model has them: a level for each stratum, and `own` as the spread of texts beyond attributes."""
    cells = []
    for place, (category, segment) in enumerate(strata):
        for code, text in texts.items():
            at = -2.5 + 0.7 * place + score(truth, text, segment) + own * chance.standard_normal()
            number = int(chance.poisson(shown))
            clicks = int(chance.binomial(number, 1 / (1 + np.exp(-at))))
            cells.append(Shown("x", category, segment, code, number, clicks))
    return cells


def weights_of(made: Conversion) -> np.ndarray[Any, Any]:
    return np.array([made.attributes[name].weight for name in NAMES])


def test_without_cells_it_is_the_offline_model_to_the_last_bit() -> None:
    made = refit(OFFLINE, [], {1: "a text"})
    assert made == Refit(OFFLINE, dict.fromkeys(NAMES, PRIOR_SD), 0.0, 0, 0)
    assert made.model is OFFLINE
    assert made.fit(OFFLINE) is None


@pytest.mark.parametrize(
    "cells",
    [
        [Shown("x", "bags", "new", 1, 900, 90)],
        [Shown("x", "bags", "new", 1, 900, 90), Shown("x", "toys", "new", 2, 900, 9)],
        [Shown("x", "bags", "new", 1, 900, 90), Shown("y", "bags", "new", 2, 900, 9)],
        [Shown("x", "bags", "new", 1, 900, 0), Shown("x", "bags", "new", 2, 900, 0)],
        [Shown("x", "bags", "new", 1, 90, 90), Shown("x", "bags", "new", 2, 90, 90)],
        [Shown("x", "bags", "new", 1, 0, 0), Shown("x", "bags", "new", 2, 90, 9)],
        [Shown("x", "bags", "new", 7, 90, 80), Shown("x", "bags", "new", 8, 90, 9)],
    ],
    ids=["one", "two categories", "two experiments", "no click", "nothing but clicks", "not shown", "no text"],
)
def test_what_compares_no_texts_of_a_stratum_says_nothing(cells: list[Shown]) -> None:
    assert refit(OFFLINE, cells, {1: "Is it free?", 2: "An old bag"}).model is OFFLINE


def test_levels_of_strata_say_nothing() -> None:
    """Every question stands where people click four times as much: a fit without levels would credit the mark."""
    plain = {code: f"A red bag {'for you ' * code}" for code in range(1, 6)}
    asking = {code + 10: f"{text}?" for code, text in plain.items()}
    cells = [Shown("x", "bags", "new", code, 10_000, 1_000 + code) for code in plain]
    cells += [Shown("x", "toys", "new", code, 10_000, 4_000 + code) for code in asking]
    made = refit(OFFLINE, cells, plain | asking)
    assert made.texts == 10
    assert made.model.attributes["question"] == OFFLINE.attributes["question"]
    assert made.sds["question"] == pytest.approx(PRIOR_SD)
    assert made.model.attributes["characters"] != OFFLINE.attributes["characters"]
    mixed = [replace(cell, category="bags") for cell in cells]
    assert refit(OFFLINE, mixed, plain | asking).model.attributes["question"].weight > 0.3


def test_the_prior_holds_where_little_was_shown() -> None:
    chance = np.random.default_rng(6)
    texts = texts_of(chance, 10)
    few = refit(OFFLINE, cells_of(chance, OFFLINE, texts, 3), texts)
    assert few.texts > 0
    assert abs(weights_of(few.model) - weights_of(OFFLINE)).max() < PRIOR_SD / 2
    assert all(0.9 * PRIOR_SD < sd <= PRIOR_SD for sd in few.sds.values())


def test_more_shown_is_nearer_to_the_truth() -> None:
    truth = model(question=-0.2, exclamation=0.25, you=0.08, keyword_strength=0.3)
    off = []
    for shown in (10, 300, 10_000):
        chance = np.random.default_rng(7)
        texts = texts_of(chance, 150)
        made = refit(OFFLINE, cells_of(chance, truth, texts, shown), texts)
        off.append(float(abs(weights_of(made.model) - weights_of(truth)).max()))
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.02


@pytest.mark.parametrize("own", [0.0, 0.3])
def test_a_planted_theta_lies_in_its_interval(own: float) -> None:
    """theta is drawn from the prior, so a 95 % interval holds it 95 times of 100: 6 weights in 50 runs, 300 looks.

    Were the looks independent, fewer than 269 or more than 297 would be seen with one seed in some 12,000.
    """
    assert 269 <= held_by_intervals(own) <= 297


def test_texts_taken_for_binomial_would_look_surer_than_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contrast: where texts differ by themselves and nobody heeds it, intervals miss most of what was planted."""
    monkeypatch.setattr(module, "_spread", lambda *_: 0.0)
    assert held_by_intervals(0.3) < 150


def held_by_intervals(own: float) -> int:
    chance = np.random.default_rng(11)
    held = 0
    for _ in range(50):
        drawn = weights_of(OFFLINE) + PRIOR_SD * chance.standard_normal(len(NAMES))
        truth = with_weights(OFFLINE, dict(zip(NAMES, drawn.tolist(), strict=True)))
        texts = texts_of(chance, 40)
        made = refit(OFFLINE, cells_of(chance, truth, texts, 3_000, own), texts)
        off = abs(weights_of(made.model) - drawn)
        held += int((off <= 1.96 * np.array([made.sds[name] for name in NAMES])).sum())
    return held


def test_the_spread_of_texts_is_found() -> None:
    chance = np.random.default_rng(12)
    texts = texts_of(chance, 300)
    assert refit(OFFLINE, cells_of(chance, OFFLINE, texts, 5_000), texts).spread < 0.002
    assert refit(OFFLINE, cells_of(chance, OFFLINE, texts, 5_000, 0.3), texts).spread == pytest.approx(0.09, rel=0.2)


def test_what_a_segment_differs_by_stays_as_it_is() -> None:
    """Texts of the loyal do as the offline model says, their own part included: nothing is left to be learned."""
    chance = np.random.default_rng(13)
    texts = texts_of(chance, 300)
    cells = cells_of(chance, OFFLINE, texts, 20_000, strata=[("bags", "loyal")])
    made = refit(OFFLINE, cells, texts)
    assert abs(weights_of(made.model) - weights_of(OFFLINE)).max() < 0.02
    assert made.model.segments == OFFLINE.segments
    assert made.model.ngrams == OFFLINE.ngrams


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.data())
def test_the_order_of_cells_and_texts_changes_no_bit(seed: int, data: st.DataObject) -> None:
    chance = np.random.default_rng(seed)
    texts = texts_of(chance, int(chance.integers(2, 12)))
    cells = cells_of(chance, OFFLINE, texts, int(chance.integers(1, 500)), 0.2)
    made = refit(OFFLINE, cells, texts)
    mixed = data.draw(st.permutations(cells))
    vectors = Vectors(OFFLINE)
    vectors.of(["something else"])
    again = refit(OFFLINE, mixed, dict(reversed(texts.items())), vectors)
    assert again == made
    assert (made.model.version == OFFLINE.version) == (weights_of(made.model) == weights_of(OFFLINE)).all()


def test_a_cell_in_two_parts_is_one() -> None:
    texts = {1: "Is it free?", 2: "An old bag", 3: "You too!"}
    whole = [Shown("x", "bags", "new", code, 4_000, 400 - 90 * code) for code in texts]
    parts = [replace(cell, impressions=2_000, clicks=cell.clicks // 2) for cell in whole for _ in range(2)]
    assert refit(OFFLINE, parts, texts) == refit(OFFLINE, whole, texts)


def test_a_fit_travels_and_belongs_to_its_model_alone() -> None:
    texts = {1: "Is it free?", 2: "An old bag", 3: "You too!"}
    made = refit(OFFLINE, [Shown("x", "bags", "new", code, 40_000, 6_000 - 900 * code) for code in texts], texts)
    fit = made.fit(OFFLINE)
    assert fit is not None
    assert (fit.base, fit.texts, fit.impressions) == (OFFLINE.version, 3, 120_000)
    assert in_force(OFFLINE, fit) == made.model
    assert versioned(made.model) == made.model != OFFLINE
    other = model(question=0.3)
    assert in_force(other, fit) is other
    assert in_force(OFFLINE, None) is OFFLINE
    assert in_force(None, fit) is None
    # What did better is ranked higher than before.
    assert p_conv(made.model, texts[1]) - p_conv(made.model, texts[3]) > p_conv(OFFLINE, texts[1]) - p_conv(
        OFFLINE, texts[3]
    )


def test_clicks_beyond_impressions_are_as_many() -> None:
    texts = {1: "Is it free?", 2: "An old bag"}
    cells = [Shown("x", "bags", "new", 1, 10, 99), Shown("x", "bags", "new", 2, 10, 1)]
    assert refit(OFFLINE, cells, texts) == refit(OFFLINE, [replace(cells[0], clicks=10), cells[1]], texts)
