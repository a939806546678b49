"""P_conv refitted to what a shop's own texts did: its attributes' weights theta anew, from impressions and clicks.

Penalised logistic regression with a Gaussian prior at the offline weights (Hoerl and Kennard 1970, doi
10.1080/00401706.1970.10488634, drawn to a point that is not 0). For text i of stratum g, shown n times, clicked k
times:

    logit p_i = a_g + theta . x_i        theta ~ N(offline theta, PRIOR_SD^2 I)

x are the attributes as the model weighs them; strengths of n-grams, and what a segment's weights differ by, stay as
they are. A stratum is one experiment, category and segment, and a_g its level, free of any prior: P_conv says better or
worse than usual, so only texts of one stratum are compared. Levels could be conditioned away instead; with few strata
of many impressions each there is nothing to gain, since the bias that a fitted level brings falls as one over the
impressions (Neyman and Scott 1948, doi 10.2307/1914288; Lancaster 2000, doi 10.1016/S0304-4076(99)00044-5).

Texts differ by more than attributes tell, and so do the products that they speak of. Taken for binomial, 100,000 clicks
on ten texts would look like certainty about thirty weights. So texts have a spread of their own, on the scale of the
logit: var k = n p q (1 + phi (n - 1) p q), with phi by moments (Williams 1982, model III, doi 10.2307/2347977).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from inference.text.conversion import Conversion, measures, versioned
from schemas.policies import ConversionFit

# Offline weights are a few hundredths to two tenths for each standard deviation of an attribute. A tenth lets a shop
# double most of them or turn their sign, and makes it show some thousand clicks before it does.
PRIOR_SD = 0.1
# Four decimals of a weight move P_conv by less than a ten-thousandth; finer ones would be versions without a
# difference.
DECIMALS = 4
# Measuring a text takes a fraction of a millisecond. Thirty weights are known well from as many texts as this; of more,
# those that were shown most are taken.
MOST_TEXTS = 20_000
# Newton's steps; the likelihood is concave, and five or six do.
STEPS = 50
CLOSE = 1e-10
# Williams's iteration between weights and spread. Its third round moves the spread in the third digit.
ROUNDS = 4

Array = np.ndarray[Any, np.dtype[np.float64]]


class Shown(Struct, frozen=True, order=True):
    """A copy cell: how often a text, by its code, was shown and clicked."""

    experiment: str
    category: str
    segment: str
    copy: int
    impressions: int
    clicks: int


class Refit(Struct, frozen=True):
    """The model, with its version, and what it rests on. `sds` are the standard deviations of the weights after the
    data, by name; `spread` is phi; `texts` are copy cells that were compared with others.
    """

    model: Conversion
    sds: dict[str, float]
    spread: float
    texts: int
    impressions: int

    def fit(self, offline: Conversion) -> ConversionFit | None:
        """As the policy snapshot carries it; None where it is the offline model."""
        if self.model.version == offline.version:
            return None
        weights = {name: part.weight for name, part in self.model.attributes.items()}
        return ConversionFit(base=offline.version, weights=weights, texts=self.texts, impressions=self.impressions)


class Vectors:
    """Texts as rows of numbers, one for each of a model's attributes; measured once each."""

    def __init__(self, model: Conversion) -> None:
        self._model = model
        self._rows: dict[str, Array] = {}

    def of(self, texts: Iterable[str]) -> Array:
        """A row for each text; texts that are not among these are forgotten."""
        wanted = list(texts)
        self._rows = {text: self._rows[text] if text in self._rows else self._row(text) for text in wanted}
        return np.array([self._rows[text] for text in wanted])

    def _row(self, text: str) -> Array:
        model = self._model
        found = measures(model, text)
        return np.array([(found.get(name, 0.0) - part.mean) / part.scale for name, part in model.attributes.items()])


def refit(
    offline: Conversion, cells: Iterable[Shown], texts: Mapping[int, str], vectors: Vectors | None = None
) -> Refit:
    """The model after what was shown and clicked; `texts` are slot texts by the code of their copy.

    A function of the offline model, the cells, in whichever order, and the texts. Cells without a text are left out,
    and so are strata that compare nothing: one text, no click, or nothing but clicks. Without any cell that is left it
    is the offline model, and its version. `vectors` of the same model save measuring texts again.
    """
    chosen = _comparable(cells, texts)
    names = list(offline.attributes)
    if not chosen or not names:
        return Refit(offline, dict.fromkeys(names, PRIOR_SD), 0.0, 0, 0)
    rows = (vectors or Vectors(offline)).of(texts[cell.copy] for cell in chosen)
    strata = [(cell.experiment, cell.category, cell.segment) for cell in chosen]
    first = np.array([place for place, each in enumerate(strata) if not place or each != strata[place - 1]])
    own = np.array([[offline.segments.get(cell.segment, {}).get(name, 0.0) for name in names] for cell in chosen])
    data = _Data(
        rows=rows,
        offset=np.einsum("ij,ij->i", rows, own),
        shown=np.array([cell.impressions for cell in chosen], dtype=np.float64),
        clicked=np.array([cell.clicks for cell in chosen], dtype=np.float64),
        first=first,
        stratum=np.repeat(np.arange(len(first)), np.diff(np.append(first, len(chosen)))),
    )
    prior = np.array([part.weight for part in offline.attributes.values()])
    theta, covariance, spread = _solved(data, prior)
    weights = {
        name: float(before + round(float(after - before), DECIMALS))
        for name, before, after in zip(names, prior, theta, strict=True)
    }
    sds = dict(zip(names, np.sqrt(np.diag(covariance)).tolist(), strict=True))
    model = with_weights(offline, weights)
    return Refit(model, sds, spread, len(chosen), sum(cell.impressions for cell in chosen))


def with_weights(offline: Conversion, weights: Mapping[str, float]) -> Conversion:
    """The offline model with other weights, and a version of its own made from both; itself where none is another."""
    parts = {name: replace(part, weight=weights.get(name, part.weight)) for name, part in offline.attributes.items()}
    if parts == offline.attributes:
        return offline
    return versioned(replace(offline, attributes=parts, source={**offline.source, "refit_of": offline.version}))


def in_force(offline: Conversion | None, fit: ConversionFit | None) -> Conversion | None:
    """The model that ranks: the refitted one where it was made of this bundle's, else the bundle's own, if any."""
    if offline is None or fit is None or fit.base != offline.version:
        return offline
    return with_weights(offline, fit.weights)


class _Data(Struct, frozen=True):
    """Cells in the order of their strata; `first` is where each stratum begins, `stratum` that of each cell."""

    rows: Array
    offset: Array
    shown: Array
    clicked: Array
    first: Any
    stratum: Any


def _comparable(cells: Iterable[Shown], texts: Mapping[int, str]) -> list[Shown]:
    """The cells that say something, in one order: sums of floats are the same whatever order they came in."""
    sums: dict[tuple[str, str, str, int], tuple[int, int]] = {}
    for cell in cells:
        if cell.copy in texts and cell.impressions > 0:
            key = (cell.experiment, cell.category, cell.segment, cell.copy)
            shown, clicked = sums.get(key, (0, 0))
            sums[key] = shown + cell.impressions, clicked + max(0, min(cell.clicks, cell.impressions))
    known = [Shown(*key, *counts) for key, counts in sums.items()]
    most = sorted(known, key=lambda cell: (-cell.impressions, cell))[:MOST_TEXTS]
    strata: dict[tuple[str, str, str], list[Shown]] = {}
    for cell in sorted(most):
        strata.setdefault((cell.experiment, cell.category, cell.segment), []).append(cell)
    return [
        cell
        for held in strata.values()
        if len(held) > 1 and 0 < sum(each.clicks for each in held) < sum(each.impressions for each in held)
        for cell in held
    ]


def _solved(data: _Data, prior: Array) -> tuple[Array, Array, float]:
    """theta, its covariance after the data, and the spread."""
    rates = np.add.reduceat(data.clicked, data.first) / np.add.reduceat(data.shown, data.first)
    levels, theta, spread = np.log(rates / (1 - rates)), prior.copy(), 0.0
    heed = np.ones_like(data.shown)
    for _ in range(ROUNDS):
        levels, theta, covariance, chance = _newton(data, heed, prior, levels, theta)
        known = len(prior) - float(np.trace(covariance)) / PRIOR_SD**2
        free = max(1.0, len(data.shown) - len(data.first) - known)
        spread = _spread(data, chance, free)
        heed = 1 / (1 + spread * (data.shown - 1) * chance * (1 - chance))
    levels, theta, covariance, _ = _newton(data, heed, prior, levels, theta)
    return theta, covariance, spread


def _newton(data: _Data, heed: Array, prior: Array, levels: Array, theta: Array) -> tuple[Array, Array, Array, Array]:
    """The greatest of the weighted log-likelihood less the penalty: levels, theta, its covariance, and each p.

    Levels are taken out of the normal equations (a Schur complement): one row and column a stratum would be dear.
    """
    penalty = np.eye(len(prior)) / PRIOR_SD**2

    def objective(levels: Array, theta: Array) -> float:
        at = levels[data.stratum] + data.offset + data.rows @ theta
        gain = heed * (data.clicked * at - data.shown * np.logaddexp(0, at))
        return float(gain.sum() - ((theta - prior) ** 2).sum() / (2 * PRIOR_SD**2))

    best = objective(levels, theta)
    for _ in range(STEPS):
        chance = _chance(data, levels, theta)
        weight = heed * data.shown * chance * (1 - chance)
        left = heed * (data.clicked - data.shown * chance)
        whole = np.add.reduceat(weight, data.first)
        middle = np.add.reduceat(weight[:, None] * data.rows, data.first, axis=0) / whole[:, None]
        apart = data.rows - middle[data.stratum]
        curve = apart.T @ (weight[:, None] * apart) + penalty
        step = np.linalg.solve(curve, apart.T @ left - (theta - prior) / PRIOR_SD**2)
        raised = np.add.reduceat(left, data.first) / whole - middle @ step
        size = 1.0
        while (found := objective(levels + size * raised, theta + size * step)) < best and size > CLOSE:
            size /= 2
        gained, best = found - best, max(found, best)
        if gained > 0:
            levels, theta = levels + size * raised, theta + size * step
        if gained <= CLOSE * max(1.0, abs(best)):
            break
    return levels, theta, np.linalg.inv(curve), _chance(data, levels, theta)


def _chance(data: _Data, levels: Array, theta: Array) -> Array:
    at = levels[data.stratum] + data.offset + data.rows @ theta
    chance: Array = 1 / (1 + np.exp(-np.clip(at, -30, 30)))
    return chance


def _spread(data: _Data, chance: Array, free: float) -> float:
    """phi at which Pearson's chi-square is its degrees of freedom; 0 where the cells differ by no more than chance."""
    even = chance * (1 - chance)
    square = (data.clicked - data.shown * chance) ** 2 / (data.shown * even)

    def excess(spread: float) -> float:
        return float((square / (1 + spread * (data.shown - 1) * even)).sum()) - free

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while excess(high) > 0 and high < 1e6:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high
