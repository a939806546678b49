"""Sums over all offsets of the input log, a page at a time."""

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from patter.demo.recount_figures import latencies, ratio, rounded
from patter.demo.recount_places import (
    DUPLICATE,
    HOLDOUT,
    MODEL,
    NOT_TRIGGER,
    NOTHING,
    OVERRIDDEN,
    SUPPRESSED,
    TEMPLATE,
    TRIGGER,
    UNKNOWN,
    Page,
    Places,
)
from patter.demo.recount_record import Place

Mask = NDArray[np.bool_]


class PlaceSums:
    """Counts, and the places where events and decisions do not fit together.

    pending: an event that asks for a decision and has none. unasked: a decision of a duplicate, a rejected or another
    event that asks for none. unread: a decision of an offset where no event was read. confused: the ids differ.
    """

    def __init__(self, places: Places, warm_after_s: float) -> None:
        self.decisions = self.duplicates = self.not_trigger = self.suppressed = self.holdout = 0
        self.pending: list[Place] = []
        self.unasked: list[Place] = []
        self.unread: list[Place] = []
        self.confused: list[Place] = []
        self._shown = dict.fromkeys((MODEL, TEMPLATE, NOTHING, OVERRIDDEN), 0)
        self._warm = dict.fromkeys((MODEL, TEMPLATE), 0)
        self._warm_after_s = warm_after_s
        self._delays = array("d")
        warm_ms = _first_ms(places) + warm_after_s * 1000
        for partition, first, page in places:
            self._add(partition, first, page, warm_ms)

    def _add(self, partition: int, first: int, page: Page, warm_ms: float) -> None:
        verdicts = np.frombuffer(page.verdicts, np.uint8)
        answers = np.frombuffer(page.answers, np.uint8)
        due = np.frombuffer(page.due_ms, np.int64)
        seen = np.frombuffer(page.seen_ms, np.float64)
        decided = answers != 0
        asks = verdicts == TRIGGER
        self.decisions += int(decided.sum())
        self.duplicates += int((verdicts == DUPLICATE).sum())
        self.not_trigger += int((verdicts == NOT_TRIGGER).sum())
        self.suppressed += int((verdicts == SUPPRESSED).sum())
        self.holdout += int(((answers & HOLDOUT) != 0).sum())
        for bit in self._shown:
            self._shown[bit] += int(((answers & bit) != 0).sum())
        warm = decided & (due >= warm_ms)
        for bit in self._warm:
            self._warm[bit] += int((((answers & bit) != 0) & warm).sum())
        timed = decided & asks & (seen >= 0)
        self._delays.extend((seen[timed] - due[timed]).tolist())
        other = np.frombuffer(page.event_ids, np.int64) != np.frombuffer(page.decided_ids, np.int64)
        for found, places in (
            (asks & ~decided, self.pending),
            (decided & ~asks & (verdicts != UNKNOWN), self.unasked),
            (decided & (verdicts == UNKNOWN), self.unread),
            (decided & asks & other, self.confused),
        ):
            places.extend(Place(partition, first + index) for index in np.flatnonzero(found).tolist())

    def render(self) -> dict[str, object]:
        """The section `render`: decisions by the source of their text; `overridden` are those with an override code of
        any kind. model_share_warm: the model's share of the texts shown for events that were due later than `warm_at_s`
        after the first one.
        """
        warm = self._warm
        return {
            "model": self._shown[MODEL],
            "template": self._shown[TEMPLATE],
            "none": self._shown[NOTHING],
            "overridden": self._shown[OVERRIDDEN],
            "warm_at_s": self._warm_after_s,
            "model_share_warm": rounded(ratio(warm[MODEL], warm[MODEL] + warm[TEMPLATE]), 4),
        }

    def delays(self, measured_ms: Sequence[float] | None) -> dict[str, float | int | None]:
        """The section `event_to_decision_ms`."""
        return latencies(self._delays if measured_ms is None else measured_ms)


def _first_ms(places: Places) -> float:
    """When the first event was due, by Kafka's timestamps."""
    first = np.inf
    for _, _, page in places:
        due = np.frombuffer(page.due_ms, np.int64)[np.frombuffer(page.verdicts, np.uint8) != UNKNOWN]
        due = due[due > 0]
        if len(due):
            first = min(first, int(due.min()))
    return float(first)
