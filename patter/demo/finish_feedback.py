"""The feedback half of a run's result: what was counted, what the policy did, and that online equals batch."""

from collections.abc import Iterator
from typing import Any

import msgspec

from patter.demo.audience_loop import Spoken
from patter.demo.audience_truth import TruthTable
from patter.demo.record import RunRecord
from patter.demo.recount_feedback import LifetimeCells, PolicyVersions, TotalCells, cells, feedback
from patter.demo.recount_record import Record
from patter.demo.regret import Choice, Regret
from patter.reach.run import reached
from patter.verify.run import verify_online
from schemas.errors import Code

VERIFY_TIMEOUT_S = 30.0
# What the audience sent, by the counter that it has to come to: nothing else sends these kinds.
_AGENTS = ("agent_impression", "agent_click")
_EXPECTED = {
    "impressions": ("impression",),
    "imputed": ("click_first",),
    "clicks": ("click", "click_first"),
    "carts": ("cart",),
    "refunds": ("refund",),
    "late": ("impression_late",),
    "token_invalid": ("forged",),
}


class _Chosen(Choice, frozen=True, gc=False):
    decision_id: str


class FeedbackCount:
    """Folds the run's topics."""

    def __init__(self, record: RunRecord, truth: TruthTable) -> None:
        self._record, self._truth = record, truth
        self.totals, self.lifetime, self._versions = TotalCells(), LifetimeCells(), PolicyVersions()
        self._regret = Regret(truth)
        self._shown: set[tuple[str, str]] = set()
        self._known: set[str] = set()
        self._decoder = msgspec.json.Decoder(_Chosen)

    def decision(self, record: Record) -> None:
        """A decision; where one stands twice, as at_least_once may have it, the first counts."""
        if record.offset < self._record.begin.get(record.topic, {}).get(record.partition, 0):
            return
        try:
            chosen = self._decoder.decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        if chosen.decision_id in self._known:
            return
        self._known.add(chosen.decision_id)
        self._regret.choice(chosen)
        if chosen.category is not None:
            self._shown.add((chosen.category, chosen.segment))

    def policy(self, record: Record) -> None:
        """A version of the policy."""
        if record.offset >= self._record.begin.get(record.topic, {}).get(record.partition, 0):
            self._versions.policy(record)

    def sections(self) -> dict[str, object]:
        """The sections feedback, cells and policy."""
        return {
            "feedback": self._counted(),
            "cells": cells(self.lifetime.cells(), self._truth, self._shown),
            "policy": self._versions.section(self._regret),
        }

    def failures(self, spoken: Spoken) -> Iterator[str]:
        """Where what was counted is not what the audience sent. On somebody's broker others may send too."""
        if self._record.broker.kind == "remote" or self._record.options.events is not None:
            return
        counted = self._counted()
        for name, kinds in _EXPECTED.items():
            sent = sum(spoken.by_what.get(kind, 0) for kind in kinds)
            if counted[name] != sent:
                yield f"{Code.MISCOUNT.value}: {sent} of feedback's {name} were sent, {counted[name]} are counted"
        # Crawlers among the events, and whom a watch has caught, are kept apart too; who calls itself an assistant is
        # kept apart by a rule of its own.
        sent, kept = sum(spoken.by_what.get(kind, 0) for kind in _AGENTS), counted["suppressed_by"].get("assistant", 0)
        if kept != sent:
            yield f"{Code.MISCOUNT.value}: {sent} of feedback's assistants were sent, {kept} are kept apart"

    def _counted(self) -> dict[str, Any]:
        currency = self._record.settings.collect.currency
        return feedback(self.totals.totals(), self._record.counted_before, currency)


def proven(record: RunRecord) -> tuple[dict[str, object], list[str]]:
    """The sections online_equals_batch, verify and reach, and what they make of the run."""
    found = verify_online(record.settings, VERIFY_TIMEOUT_S)
    sections: dict[str, object] = {
        "online_equals_batch": found.equal,
        "verify": {
            "cells": found.cells,
            "sketches": found.sketches,
            "differing": len(found.differences),
            "records_read": found.records_read,
        },
        "reach": _reach(record),
    }
    if found.equal:
        return sections, []
    told = "; ".join(f"{each.cell} {each.field} {each.online} is not {each.batch}" for each in found.differences[:3])
    return sections, [f"{Code.MISCOUNT.value}: online and batch differ in {len(found.differences)} places: {told}"]


def _reach(record: RunRecord) -> dict[str, object]:
    """Shoppers of all time by kind, and the product that brings most orders."""
    life = reached(record.settings, 1, None).buckets[0]
    best = [" or ".join(product.ids) or product.code for product in life.products["orders"].top]
    return {"shoppers": {kind: each.value for kind, each in life.shoppers.items()}, "most_orders": [*best, None][0]}
