"""What a run has gained on held-out products: the same prompts, drawn and rewarded before and after.

The unit is the product: its texts share a record and mostly a fate, so intervals resample products and not texts.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from training.evaluation.intervals import ratio
from training.evaluation.run import rounded
from training.objective.reward import gates
from training.objective.scored import Scored
from training.tune.sift import Row


def spread(rows: Sequence[Row], most: int, seed: int) -> list[int]:
    """The places of up to `most` rows, drawn so that every product has as many as the next where it has them."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
    turn: defaultdict[str, int] = defaultdict(int)
    ranked = []
    for number, place in enumerate(order):
        product = rows[place].product.product_id
        ranked.append((turn[product], number, place))
        turn[product] += 1
    return sorted(place for _, _, place in sorted(ranked)[:most])


def gain(before: Sequence[Scored], after: Sequence[Scored], seed: int) -> dict[str, Any]:
    """{reward, passed: {before, after, difference: {value, low, high, n}}}, n being products.

    Of the same prompts in the same order. `reward` is the mean over all texts, one that fails a gate earning nothing;
    `passed` the share of texts that no gate stops: faithful, within policy, and short enough. `difference` is after
    minus before with a 95 % bootstrap interval over products.
    """
    measures = {"reward": _reward, "passed": _passed}
    return {name: rounded(_compared(before, after, of, seed)) for name, of in measures.items()}


def _compared(before: Sequence[Scored], after: Sequence[Scored], of: Any, seed: int) -> dict[str, Any]:
    values = [(each.row.product.product_id, of(each), of(late)) for each, late in zip(before, after, strict=True)]
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for product, early, late in values:
        sums[product][0] += late - early
        sums[product][1] += 1
    parts, wholes = zip(*sums.values(), strict=True)
    return {
        "before": round(sum(early for _, early, _ in values) / len(values), 4),
        "after": round(sum(late for _, _, late in values) / len(values), 4),
        "difference": ratio(parts, wholes, seed),
    }


def _reward(found: Scored) -> float:
    return sum(value or 0.0 for value in found.rewards) / len(found.rewards)


def _passed(found: Scored) -> float:
    return sum(not gates(codes) for codes in found.codes) / len(found.codes)
