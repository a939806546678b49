"""Whether the consistency score tells bad from worse: right texts against the same texts with errors put in.

A measure is worth what it orders: a right text above the same text with one error, and that above the text with three
(Eevee's garment metric, arXiv 2511.18957, is held to the same).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from inference.generate.consistency import Consistency, consistency
from inference.generate.rivals import Rivals, rivals_of
from schemas.catalog import Product
from training.evaluation.corruption import Bench, corrupted, possible
from training.evaluation.intervals import share

LEAST_ORDERED = 0.95
"""Share of triples that have to stand in order: one in twenty may be an error that no record and no list can tell."""

LEAST_TRIPLES = 30
"""Below so many a share of 0.95 and one of 0.8 look alike (Wilson's interval of 29 of 30 is 0.83 to 0.99)."""

ERRORS = 3
_EXAMPLES = 5

Score = Callable[[str, Product, Rivals], Consistency]


class Copy(Struct, frozen=True):
    """A right text for a product, as a shopper reads it."""

    product: Product
    text: str


def ordering(
    copies: Sequence[Copy], catalogue: Sequence[Product], *, seed: int, score: Score = consistency
) -> dict[str, Any]:
    """Corrupt each text once with one error and once with three others, score all, and sum up.

    The errors of a triple are drawn each for itself: the three do not hold the one. A text is a unit, so a product
    should have one. Texts in which fewer than four kinds of error can be made are left out and counted. The same
    arguments give the same result.
    """
    rivals, found = rivals_of(catalogue), _Found()
    for number, copy in enumerate(copies):
        rng = random.Random(f"{seed}:{number}")
        bench = Bench(copy.product, [other for other in catalogue if other.product_id != copy.product.product_id])
        kinds = possible(copy.text, bench, rng)
        one = corrupted(copy.text, bench, kinds[:1], rng)
        three = corrupted(copy.text, bench, kinds[1 : 1 + ERRORS], rng)
        if len(kinds) <= ERRORS or one is None or three is None:
            found.left_out += 1
            continue
        texts = (copy.text, one, three)
        found.take(kinds, texts, [score(text, copy.product, rivals) for text in texts])
    return found.summed(seed)


class _Found:
    """What is counted while texts are scored."""

    def __init__(self) -> None:
        self.left_out = 0
        self._ordered: list[bool] = []
        self._noticed: list[bool] = []
        self._worse: list[bool] = []
        self._clean: list[bool] = []
        self._by_kind: dict[str, list[bool]] = defaultdict(list)
        self._false: Counter[str] = Counter()
        self._scores: list[list[float]] = []
        self._examples: list[dict[str, Any]] = []

    def take(self, kinds: Sequence[str], texts: Sequence[str], scored: Sequence[Consistency]) -> None:
        clean, one, three = (each.score for each in scored)
        self._scores.append([clean, one, three])
        self._ordered.append(clean > one > three)
        self._noticed.append(clean > one)
        self._worse.append(one > three)
        self._clean.append(not scored[0].contradictions)
        self._by_kind[kinds[0]].append(clean > one)
        self._false.update(each.what for each in scored[0].contradictions)
        if not clean > one > three and len(self._examples) < _EXAMPLES:
            errors = [kinds[:1], kinds[1 : 1 + ERRORS]]
            self._examples.append({"texts": list(texts), "scores": [clean, one, three], "errors": errors})

    def summed(self, seed: int) -> dict[str, Any]:
        count = len(self._scores)
        means = [round(sum(each[place] for each in self._scores) / count, 4) for place in range(3)] if count else None
        ordered = share(self._ordered)
        return {
            "seed": seed,
            "triples": count,
            "left_out": self.left_out,
            "ordered": ordered,
            "clean_above_one": share(self._noticed),
            "one_above_three": share(self._worse),
            "clean_without_contradiction": share(self._clean),
            "noticed_by_kind": {kind: share(hits) for kind, hits in sorted(self._by_kind.items())},
            "mean_scores": means,
            "held_against_clean": dict(self._false.most_common(_EXAMPLES)),
            "not_ordered": self._examples,
            "failures": _failures(count, ordered.value),
        }


def _failures(count: int, ordered: float | None) -> list[str]:
    if count < LEAST_TRIPLES or ordered is None:
        return [f"{count} triples could be made, {LEAST_TRIPLES} are the least"]
    if ordered < LEAST_ORDERED:
        return [f"{ordered:.1%} of the triples stand in order, {LEAST_ORDERED:.0%} are the least"]
    return []
