"""Drawn texts with their rewards: what a model earns on prompts."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from inference.generate.checks import has_cta
from inference.text.diversity import marginal_diversity
from inference.text.embedder import HashedTfidf
from inference.text.sentiment import polarity
from training.objective.config import Weights
from training.objective.conversion import Predict
from training.objective.gates import Gates
from training.objective.reward import Terms, gates, reward
from training.objective.reward import sentiment_fit as fit
from training.objective.sampling import Drawer, Said
from training.train import Row as Ids
from training.tune.sift import Row

# Seeds of neighbouring prompts stay apart.
_STRIDE = 1_000_003


class Scored(Struct, frozen=True):
    """The texts for one prompt; `rewards` are None for those that fail a gate, whose `terms` count for nothing."""

    row: Row
    prompt: list[int]
    said: list[Said]
    codes: list[tuple[str, ...]]
    rewards: list[float | None]
    terms: list[Terms]


class Scorer:
    """Draws and rewards."""

    def __init__(self, drawer: Drawer, found: Gates, weights: Weights, predict: Predict | None) -> None:
        self._drawer, self._gates, self._weights, self._predict = drawer, found, weights, predict
        self._embedder = HashedTfidf()

    def scored(self, model: Any, row: Row, ids: Ids, count: int, seed: int) -> Scored:
        """`count` texts for a row's prompt. Diversity is that among the texts that pass the gates."""
        tokens, length = ids
        prompt = tokens[:length]
        said = self._drawer.draw(model, prompt, row.request, count, seed)
        codes = [self._gates.codes(each.text, row, finished=each.finished) for each in said]
        passed = [place for place, found in enumerate(codes) if not gates(found)]
        near = marginal_diversity(self._embedder.embed([said[place].text for place in passed]))
        # A text that stands alone is like no other.
        diversity = {place: 1.0 if value is None else value for place, value in zip(passed, near, strict=True)}
        terms = [self._terms(each.text, row, diversity.get(place, 0.0)) for place, each in enumerate(said)]
        rewards = [reward(each, self._weights, found) for each, found in zip(terms, codes, strict=True)]
        return Scored(row, prompt, said, codes, rewards, terms)

    def _terms(self, text: str, row: Row, diversity: float) -> Terms:
        request = row.request
        return Terms(
            sentiment=fit(polarity(text), request.sentiment),
            diversity=diversity,
            cta=float(has_cta(text, request.cta)),
            conversion=None if self._predict is None else self._predict(text, request.segment),
        )


def score(
    scorer: Scorer,
    model: Any,
    rows: Sequence[Row],
    ids: Sequence[Ids],
    count: int,
    seed: int,
    report: Callable[[int], None] | None = None,
) -> list[Scored]:
    """`count` texts for each row's prompt, with their rewards; `report` hears how many prompts are done."""
    found = []
    for place, (row, each) in enumerate(zip(rows, ids, strict=True)):
        found.append(scorer.scored(model, row, each, count, seed * _STRIDE + place))
        if report is not None:
            report(place + 1)
    return found


def mean_reward(found: Sequence[Scored]) -> float:
    """Over all texts; one that fails a gate earns nothing. Raises ValueError for no texts."""
    rewards = [value or 0.0 for each in found for value in each.rewards]
    if not rewards:
        raise ValueError("no text was drawn")
    return sum(rewards) / len(rewards)


def summary(found: Sequence[Scored]) -> dict[str, Any]:
    """The figures of some prompts: texts, share that passes the gates, mean reward of all and of those that pass."""
    rewards = [value for each in found for value in each.rewards]
    passed = [value for value in rewards if value is not None]
    return {
        "n": len(rewards),
        "passed": round(len(passed) / len(rewards), 4),
        "reward": round(mean_reward(found), 4),
        "reward_of_passed": round(sum(passed) / len(passed), 4) if passed else None,
    }
