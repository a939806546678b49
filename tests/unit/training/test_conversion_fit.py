"""The fit on planted data. Seeded; bounds are such that another seed fails in fewer than one of a hundred runs."""

import numpy as np
import pytest

from inference.text.conversion import BAG, KEYWORDS, p_conv, score
from schemas.errors import ConfigError
from tests.support.past_tests import BAD, GOOD, past_tests
from training.conversion import fit as module
from training.conversion.fit import Options, fit
from training.conversion.measure import Judged, ece, report
from training.conversion.run import evaluate, train_model

OPTIONS = Options(least=5, penalties=(5.0, 30.0), folds=3, seed=1)


def silent(line):
    pass


def test_planted_words_and_a_planted_attribute_are_found():
    model = fit(past_tests(200, seed=1, question=-0.4), OPTIONS)
    ranked = sorted((gram for gram in model.ngrams if " " not in gram), key=lambda gram: model.ngrams[gram])
    assert (ranked[0], ranked[-1]) == (BAD, GOOD)
    assert model.attributes["question"].weight < 0 < min(model.attributes[name].weight for name in (KEYWORDS, BAG))
    by_term = sorted((term for term in model.bag if " " not in term), key=lambda term: model.bag[term][1])
    assert (by_term[0], by_term[-1]) == (BAD, GOOD)
    # GOOD is a kind word.
    beside = {KEYWORDS, BAG, "sentiment", "sentiment_strength"}
    assert max(model.attributes.keys() - beside, key=lambda name: abs(model.attributes[name].weight)) == "question"
    assert p_conv(model, f"garden table {GOOD} morning.") > 0.5 > p_conv(model, f"garden table {BAD} morning?")


def test_an_average_text_has_about_a_half():
    arms = past_tests(200, seed=2)
    model = fit(arms, OPTIONS)
    assert float(np.mean([score(model, arm.text) for arm in arms])) == pytest.approx(0, abs=0.05)


def test_the_planted_signal_is_told_on_groups_that_no_fit_has_seen():
    found = evaluate(past_tests(200, seed=3), None, OPTIONS, silent)
    assert found["decisive_accuracy"]["low"] > 0.8
    assert found["accuracy"]["low"] > found["baselines"]["length"]["accuracy"]["high"]
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]
    assert found["decisive_pairs"] < found["pairs"]


def test_without_a_signal_nothing_is_told_and_nothing_is_promised():
    found = evaluate(past_tests(200, seed=4, strength=0.0), None, OPTIONS, silent)
    assert abs(found["accuracy"]["value"] - 0.5) < 0.05
    assert found["brier"] == pytest.approx(0.25, abs=0.01)


def test_its_probabilities_hold_where_the_truth_is_of_its_kind():
    found = evaluate(past_tests(400, seed=5, strength=0.15), None, OPTIONS, silent)
    # 2,400 pairs, of groups of six, some four bins in use: chance alone gives about 0.015.
    assert found["ece"] < 0.05
    assert found["brier"] < 0.25


def test_a_model_that_promises_too_much_is_seen():
    rng = np.random.default_rng(6)
    chance = rng.uniform(0.3, 0.7, 20_000)
    won = rng.random(20_000) < chance
    assert ece(chance, won) < 0.02
    assert ece(np.where(chance > 0.5, 0.95, 0.05), won) > 0.3


def test_ece_is_the_gap_by_hand_and_does_not_mind_which_comes_first():
    # Likelier ones at 0.8: three of four come true.
    assert ece([0.8, 0.8, 0.8, 0.8], np.array([True, True, True, False])) == pytest.approx(0.05)
    assert ece([0.2, 0.8, 0.2, 0.8], np.array([False, True, False, False])) == pytest.approx(0.05)
    assert ece([0.5], np.array([True])) == pytest.approx(0.5)


def test_strengths_are_out_of_fold_by_whole_groups(monkeypatch):
    """Each text has words of its group's own that go with its luck. Folds that part groups let them in."""
    arms = past_tests(60, seed=7, strength=0.0, arms=24, own_words=2)
    options = Options(least=2, penalties=(5.0,), folds=3)
    honest = _outside_spread(arms, options)
    places = iter(range(10**9))
    monkeypatch.setattr(module, "folds_of", lambda groups, folds, seed: [next(places) % folds for _ in groups])
    assert honest < 0.2
    assert _outside_spread(arms, options) > 0.5


def _outside_spread(arms, options):
    """The correlation of out-of-fold strengths with what happened."""
    data = module._data(arms, options)
    texts = [arm.text for arm in data.arms]
    found = module.measured(texts)
    rows, held = module.standardised(found).rows(found), module.held_grams(texts, 1)
    outside = module._outside(data, rows, held, options, 5.0)
    difference = outside[data.a] - outside[data.b]
    return float(np.corrcoef(difference, data.y)[0, 1]) if difference.any() else 0.0


def test_it_is_the_mean_of_its_two_models_in_units_of_their_spread():
    """The file's score of a text is what the two make of it, up to one number for all texts."""
    arms = past_tests(120, seed=12, question=-0.3)
    model = fit(arms, OPTIONS)
    data = module._data(arms, OPTIONS)
    texts = [arm.text for arm in data.arms]
    found = module.measured(texts)
    rows, held = module.standardised(found).rows(found), module.held_grams(texts, OPTIONS.order)
    penalty = model.source["penalty"]
    outside = module._outside(data, rows, held, OPTIONS, penalty)
    table = np.column_stack([rows, module._scaled(outside)])
    weights, _ = module._layer(data, table)
    strengths, known = module._strengths(data, rows, held, OPTIONS, penalty, np.ones(len(data.a), bool))
    first = rows @ weights[:-1] + (module.gram_rows(held, known) @ strengths) / np.std(outside) * weights[-1]
    second = module._bag(data, rows, np.ones(len(data.a), bool)).scores(texts, rows)
    units = [
        np.std(each[data.a] - each[data.b]) for each in (table @ weights, module._outside_bag(data, rows, OPTIONS))
    ]
    both = first / units[0] + second / units[1]
    told = np.array([score(model, text) for text in texts])
    differences = both[data.a] - both[data.b]
    size = float(np.median((told[data.a] - told[data.b])[differences != 0] / differences[differences != 0]))
    assert size > 0
    assert told[data.a] - told[data.b] == pytest.approx(size * differences, abs=1e-4)


def test_groups_of_the_test_are_dropped_and_said():
    arms = past_tests(60, seed=8)
    said = []
    found = evaluate(arms, [arm for arm in arms if arm.group in ("g1", "g2", "g3")], OPTIONS, said.append)
    assert found["groups_dropped"] == 3
    assert any("3 groups of --test stand in --train too" in line for line in said)


def test_where_the_groups_are_all_the_same_nothing_is_left_to_fit_on():
    arms = past_tests(20, seed=8)
    with pytest.raises(ConfigError):
        evaluate(arms, arms, OPTIONS, silent)


def test_a_segment_with_pairs_enough_has_weights_of_its_own():
    likes = past_tests(150, seed=9, strength=0.3, question=0.5)
    hates = past_tests(150, seed=10, strength=0.3, question=-0.5)
    from msgspec.structs import replace

    arms = [replace(arm, segment="likes", test=f"l{arm.test}", group=f"l{arm.group}") for arm in likes]
    arms += [replace(arm, segment="hates", test=f"h{arm.test}", group=f"h{arm.group}") for arm in hates]
    model = fit(arms, OPTIONS)
    assert set(model.segments) == {"likes", "hates"}
    ask, state = "garden table window?", "garden table window."
    assert score(model, ask, "likes") > score(model, state, "likes")
    assert score(model, ask, "hates") < score(model, state, "hates")


def test_a_fit_is_the_same_every_time_and_its_figures_are_those_of_unseen_groups():
    arms = past_tests(60, seed=11)
    one, other = (train_model(arms, OPTIONS, {"data": "x"}, silent) for _ in range(2))
    assert one == other
    assert set(one.figures.pop("start")) == {"cold", "warm", "fitted"}
    assert one.figures == evaluate(arms, None, OPTIONS, silent)
    assert one.source["groups"] == 60


def test_equal_scores_are_half_right_and_intervals_are_over_groups():
    judged = Judged(
        ["a", "a", "b"], np.array([2.5, -1.0, -3.0]), {"model": np.array([1.0, 1.0, -1.0]), "flat": np.zeros(3)}
    )
    found = report(judged, "model", 1)
    assert (found["pairs"], found["decisive_pairs"], found["groups"]) == (3, 2, 2)
    assert found["accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["decisive_accuracy"]["value"] == 1
    assert found["baselines"]["flat"]["accuracy"]["value"] == 0.5
    assert found["over"]["flat"]["accuracy"]["value"] == pytest.approx(1 / 6)
    assert found["accuracy"]["n"] == 2
