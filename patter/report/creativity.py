"""The lambda curve of the pool as it stands: what creativity costs, per category and over all. No I/O.

Equation 3 ranks a key's texts by lambda * diversity + (1 - lambda) * P_conv * worth. Both scores stand in the pool, so
what another lambda would show can be told without writing, and without a click: it says what the dial moves and not
what a shop earns by moving it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean, median

from msgspec import Struct

from inference.generate.select import worth_of
from schemas.catalog import Product
from schemas.copy import Candidate, PoolEntry
from streams.broadcast.curation import Curation
from streams.generate.rank import HELD, ranked

LAMBDAS = tuple(step / 10 for step in range(11))


class LambdaPoint(Struct, frozen=True):
    """At one lambda: mean marginal diversity and mean P_conv of the texts that would be shown, over keys."""

    creativity: float
    diversity: float
    p_conv: float


class LambdaCurve(Struct, frozen=True, kw_only=True):
    """One category, or all of them (None). `now` is the lambda that holds there, None where categories differ.

    `keys` have more texts to choose from than are shown, with both scores; of the others lambda moves nothing.
    """

    category: str | None
    now: float | None
    keys: int
    points: tuple[LambdaPoint, ...]


def curves(
    pool: Iterable[PoolEntry], catalogue: Mapping[str, Product], curation: Curation, *, usual: float, active: int
) -> list[LambdaCurve]:
    """Pooled first, then by category; none where there is nothing to choose. `usual` is lambda where nobody has set it,
    `active` how many texts of a key are shown.
    """
    # As generate has it (streams/generate/standards.py).
    stocks = [each.stock for each in catalogue.values() if each.stock is not None]
    stock = float(median(stocks)) if stocks else 0.0
    moved: defaultdict[str, list[list[tuple[float, float]]]] = defaultdict(list)
    for entry in pool:
        product = catalogue.get(entry.product_id)
        free = [each for each in entry.candidates if each.state != HELD]
        if product is None or len(free) <= active or not all(map(_is_scored, free)):
            continue
        worth = worth_of(product.margin_share, product.stock, stock)
        moved[product.category].append([_shown(entry, creativity, worth, active) for creativity in LAMBDAS])
    if not moved:
        return []
    wanted = {category: curation.creativity(category, usual) for category in moved}
    everywhere = [each for keys in moved.values() for each in keys]
    now = next(iter(wanted.values())) if len(set(wanted.values())) == 1 else None
    return [
        _curve(None, now, everywhere),
        *(_curve(category, wanted[category], moved[category]) for category in sorted(moved)),
    ]


def _curve(category: str | None, now: float | None, keys: list[list[tuple[float, float]]]) -> LambdaCurve:
    points = tuple(
        LambdaPoint(creativity, fmean(each[step][0] for each in keys), fmean(each[step][1] for each in keys))
        for step, creativity in enumerate(LAMBDAS)
    )
    return LambdaCurve(category=category, now=now, keys=len(keys), points=points)


def _shown(entry: PoolEntry, creativity: float, worth: float, active: int) -> tuple[float, float]:
    shown = [each.scores for each in ranked(entry, creativity, worth, active).candidates if each.state == "active"]
    return fmean(each["diversity"] for each in shown), fmean(each["p_conv"] for each in shown)


def _is_scored(text: Candidate) -> bool:
    return text.scores.keys() >= {"diversity", "p_conv"}
