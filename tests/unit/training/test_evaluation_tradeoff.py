"""The lambda curve: at 0 the texts with the greatest P_conv are shown, at 1 those least like the others."""

import random

import pytest

from inference.generate.copyset import Ask
from inference.text.diversity import marginal_diversity
from inference.text.embedder import HashedTfidf
from schemas.catalog import Product
from training.evaluation.curve_plot import plot
from training.evaluation.tradeoff import ALL, LAMBDAS, Candidates, curve

WORDS = ["warm", "calm", "bright", "steady", "kind", "open", "early", "simple", "quiet", "proud"]


def predict(text, _segment):
    """Less for texts of rare words: here creativity costs, because this test says so."""
    return 1 - sum(WORDS.index(word) for word in text.split() if word in WORDS) / 40


def key(number, rng, count=6, category="Home"):
    product = Product(product_id=f"p{number}", name="Pot", category=category, price_minor=1, currency="USD")
    ask = Ask(product=product, segment="any", tone="plain", cta="none", channel="push")
    texts = {"A {NAME} for " + " ".join(rng.sample(WORDS, 3)) for _ in range(count)}
    return Candidates(ask, tuple(sorted(texts)))


def sets_of(count=30):
    rng = random.Random(4)
    return [key(number, rng, category=("Home", "Garden")[number % 2]) for number in range(count)]


def test_the_ends_are_conversion_alone_and_diversity_alone():
    sets = sets_of()
    found = curve(sets, predict, active=2, seed=1)
    assert set(found) == {ALL, "Home", "Garden"}
    for points in found.values():
        assert [point["lambda"] for point in points] == list(LAMBDAS)
        conversion = [point["p_conv"].value for point in points]
        assert conversion[0] == max(conversion) > conversion[-1]
    best = [sorted((predict(text, "any") for text in each.texts), reverse=True)[:2] for each in sets]
    assert found[ALL][0]["p_conv"].value == pytest.approx(sum(map(sum, best)) / (2 * len(sets)))
    unlike = []
    for each in sets:
        marginal = marginal_diversity(HashedTfidf().embed(each.texts))
        top = sorted(range(len(marginal)), key=lambda place: (-marginal[place], each.texts[place]))[:2]
        unlike.append(sum(predict(each.texts[place], "any") for place in top) / 2)
    assert found[ALL][-1]["p_conv"].value == pytest.approx(sum(unlike) / len(unlike))


def test_more_diversity_is_shown_with_more_lambda():
    points = curve(sets_of(60), predict, active=3, seed=1)[ALL]
    assert points[-1]["diversity"].value > points[0]["diversity"].value


def test_keys_without_a_choice_are_left_out():
    rng = random.Random(1)
    sets = [key(1, rng, count=2), *sets_of(4)]
    assert curve(sets, predict, active=2, seed=1)[ALL][0]["keys"] == 4
    assert curve([key(1, rng, count=1)], predict, active=2, seed=1) == {}


def test_the_same_curve_gives_the_same_picture(tmp_path):
    points = [
        {"lambda": value, "keys": 3, "p_conv": {"value": 0.5}, "diversity": {"value": value}} for value in LAMBDAS
    ]
    for name in ("one.svg", "two.svg"):
        plot({"all": points, "Home": points}, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert b"<svg" in (tmp_path / "one.svg").read_bytes()
