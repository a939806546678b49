"""The newest of every cell on `patter.metrics.v1`, and what an experiment's report takes from them. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from inference.experiment.intent import Bought
from inference.experiment.report import ArmData
from inference.experiment.sums import ShopperSums
from schemas.cells import LIFE, OTHERS, TOTAL, ArmCell, Cell, cell_of
from schemas.experiments import METRICS, ExperimentRecord, Metric
from schemas.partials import CellMetrics
from schemas.shopper_sums import BEFORE, HELD_OUT, SHOPPERS, TREATED, UNIT, pair_cell, squared, times
from schemas.token import code_of

LEFT_OUT = (
    "rejected",
    "late",
    "suppressed",
    "duplicates",
    "token_invalid",
    "token_expired",
    "excluded",
    "currency_mismatch",
    "refund_unknown",
)
"""Counters of the total that say what did not count, and why (docs/feedback.md)."""
OTHER_ARMS = "shoppers_of_other_arms"
"""Shoppers of arms past `collect.max_cells`: nobody can say of which experiment."""

_metrics = msgspec.json.Decoder(CellMetrics)


class Cells:
    """Cells by their text. Records come in any order of the topic's partitions."""

    def __init__(self) -> None:
        self._cells: dict[str, CellMetrics] = {}

    def put(self, key: bytes | None, value: bytes | None) -> None:
        """Take a record in: an empty one removes its cell. Raises msgspec.MsgspecError."""
        text = (key or b"").decode("utf-8", "replace")
        if not value:
            self._cells.pop(text, None)
            return
        found = _metrics.decode(value)
        held = self._cells.get(text)
        if held is None or found.revision >= held.revision:
            self._cells[text] = found

    def arms(self, record: ExperimentRecord) -> list[ArmData]:
        """What is known of the arms of an experiment, the control first."""
        found = []
        for arm in record.arms:
            cell = self._cells.get(Cell(SHOPPERS, LIFE, pair_cell(code_of(record.name), code_of(arm.name))).text())
            counters: Mapping[str, int] = cell.counters if cell is not None else {}
            sources = {name: held.get(SHOPPERS, 0) for name, (_, held) in cell.sources.items()} if cell else {}
            found.append(ArmData(arm.name, sums_of(counters), sources))
        return found

    def bought(self, experiment: str, figure: str) -> tuple[Bought, Bought]:
        """What held-out and treated shoppers of an experiment bought, by intent to treat."""
        held, treated = (
            self._counters(SHOPPERS, pair_cell(code_of(experiment), code_of(group))) for group in (HELD_OUT, TREATED)
        )
        return _bought(held, figure), _bought(treated, figure)

    def left_out(self) -> dict[str, int]:
        """What did not count, of the whole log, in the order of `LEFT_OUT`."""
        total = self._cells.get(TOTAL.text())
        counts = {name: total.counters.get(name, 0) for name in LEFT_OUT} if total else {}
        others = self._cells.get(Cell(SHOPPERS, LIFE, OTHERS).text())
        if others is not None:
            counts[OTHER_ARMS] = others.counters.get(SHOPPERS, 0)
        return {name: count for name, count in counts.items() if count}

    def lifetime(self, experiment: str) -> Iterator[tuple[str, str, Mapping[str, int]]]:
        """(category, arm, counters) of each lifetime cohort of an experiment; segments come apart."""
        for text, found in self._cells.items():
            cell = cell_of(text)
            if (cell.family, cell.bucket, cell.arm.experiment) == ("cohort", LIFE, code_of(experiment)):
                yield found.category, found.variant, found.counters

    def _counters(self, family: str, arm: ArmCell) -> Mapping[str, int]:
        cell = self._cells.get(Cell(family, LIFE, arm).text())
        return cell.counters if cell is not None else {}


def _bought(counters: Mapping[str, int], figure: str) -> Bought:
    # Without weights, all of which are one here.
    total, squares = counters.get(figure, 0) // UNIT, counters.get(squared(figure), 0) // UNIT**2
    return Bought(counters.get(SHOPPERS, 0) if total else 0, total, squares)


def cells_of(records: Iterable[tuple[bytes | None, bytes | None]]) -> Cells:
    """The cells of keys and values."""
    cells = Cells()
    for key, value in records:
        cells.put(key, value)
    return cells


def sums_of(counters: Mapping[str, int]) -> dict[Metric, ShopperSums]:
    """The sums of every metric, from the counters of a cell of the family shoppers."""
    of = Counter(counters)
    a, b = BEFORE
    before = {"a": of[a], "a2": of[squared(a)], "b": of[b], "b2": of[squared(b)], "ab": of[times(a, b)]}
    return {
        metric: ShopperSums(
            n=of[SHOPPERS],
            x=of[parts.denominator],
            x2=of[squared(parts.denominator)],
            y=of[parts.numerator],
            y2=of[squared(parts.numerator)],
            xy=of[times(parts.numerator, parts.denominator)],
            xa=of[times(parts.denominator, a)],
            xb=of[times(parts.denominator, b)],
            ya=of[times(parts.numerator, a)],
            yb=of[times(parts.numerator, b)],
            **before,
        )
        for metric, parts in METRICS.items()
    }
