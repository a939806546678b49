"""What came back, from the partials, the metrics and the policies that stand on the topics."""

from collections.abc import Collection, Mapping

import msgspec

from patter.demo.audience_truth import TruthTable
from patter.demo.recount_figures import rounded
from patter.demo.recount_record import Record
from patter.demo.regret import Regret
from schemas.agents import suppressed_by
from schemas.cells import LIFE, TOTAL
from schemas.partials import PROGRESS, CellMetrics, Partial
from schemas.policies import PolicySnapshot

Counters = Mapping[str, int]
Totals = Mapping[str, Counters]
"""Source -> the counters of its total cell."""

_TOTAL_KEY = f"|{TOTAL.text()}".encode()
_PROGRESS_KEY = f"{PROGRESS}|".encode()
LIFETIME = f"cohort|{LIFE}|"
"""How the cells begin that do not expire."""

_LIFETIME_KEY = LIFETIME.encode()
_SUMMED = ("impressions", "imputed", "clicks", "carts", "orders", "refunds", "revenue_minor")
_SET_ASIDE = ("duplicates", "late", "token_invalid", "suppressed")
_BY_RULE = suppressed_by("")
_WAYS = ("token", "session", "inferred", "none")
_CELL_COUNTERS = ("impressions", "clicks", "carts", "orders", "revenue_minor")


class TotalCells:
    """The newest total cell of every source: fold all records of `patter.partials.v1`, in any order."""

    def __init__(self) -> None:
        self._newest: dict[str, Partial] = {}
        self._decoder = msgspec.json.Decoder(Partial)
        self.undecodable = 0

    def partial(self, record: Record) -> None:
        """A record; those of other cells and those that remove one are passed over."""
        key = record.key or b""
        if not record.value or key.startswith(_PROGRESS_KEY) or not key.endswith(_TOTAL_KEY):
            return
        try:
            partial = self._decoder.decode(record.value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.undecodable += 1
            return
        before = self._newest.get(partial.source)
        # Under at_least_once, and after a restart, an older record may come after a newer one.
        if before is None or partial.through >= before.through:
            self._newest[partial.source] = partial

    def totals(self) -> dict[str, dict[str, int]]:
        """As they stand now."""
        return {source: dict(partial.counters) for source, partial in self._newest.items()}


def feedback(now: Totals, before: Totals, currency: str) -> dict[str, object]:
    """The section `feedback`: what was counted between two readings of the total cells, over all sources.

    A source counts from the beginning of its log, so the first reading is taken before the run.
    """

    def grown(name: str) -> int:
        return sum(
            counters.get(name, 0) - before.get(source, {}).get(name, 0) for source, counters in sorted(now.items())
        )

    rules = sorted({name for counters in now.values() for name in counters if name.startswith(_BY_RULE)})
    return {
        **{name: grown(name) for name in _SUMMED},
        "currency": currency,
        **{name: grown(name) for name in _SET_ASIDE},
        "suppressed_by": {name.removeprefix(_BY_RULE): grown(name) for name in rules},
        "match": {way: grown(f"match_{way}") for way in _WAYS},
    }


class LifetimeCells:
    """The newest revision of every cohort cell over all time: fold all records of `patter.metrics.v1`, those of a
    partition in order.
    """

    def __init__(self) -> None:
        self._newest: dict[bytes, CellMetrics] = {}
        self._decoder = msgspec.json.Decoder(CellMetrics)
        self.undecodable = 0

    def metrics(self, key: bytes | None, value: bytes | None) -> None:
        """A record; an empty value removes its cell, and those of buckets of time are passed over."""
        if key is None or not key.startswith(_LIFETIME_KEY):
            return
        if not value:
            self._newest.pop(key, None)
            return
        try:
            cell = self._decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.undecodable += 1
            return
        before = self._newest.get(key)
        if before is None or cell.revision >= before.revision:
            self._newest[key] = cell

    def throughs(self) -> dict[tuple[str, str], int]:
        """How far each (cell, source) is counted."""
        return {
            (key.decode(), source): through
            for key, cell in self._newest.items()
            for source, (through, _) in cell.sources.items()
        }

    def cells(self) -> list[CellMetrics]:
        """As they stand now, by name."""
        found = list(self._newest.values())
        return sorted(found, key=lambda cell: (cell.experiment, cell.category, cell.segment, cell.variant))


def cells(lifetime: Collection[CellMetrics], truth: TruthTable, shown: Collection[tuple[str, str]]) -> list[object]:
    """The section `cells`. `shown` are the (category, segment) that this run decided about: no other has a truth."""
    known = frozenset(shown)
    return [_cell(each, truth, simulated=(each.category, each.segment) in known) for each in lifetime]


def _cell(cell: CellMetrics, truth: TruthTable, *, simulated: bool) -> dict[str, object]:
    rates = cell.rates
    ctr = rates.get("ctr")
    true = truth.of(cell.category, cell.segment).get(cell.variant) if simulated else None
    return {
        "experiment": cell.experiment,
        "category": cell.category,
        "segment": cell.segment,
        "variant": cell.variant,
        **{name: cell.counters.get(name, 0) for name in _CELL_COUNTERS},
        "ctr": rounded(ctr.value, 6) if ctr else None,
        "ctr_low": rounded(ctr.low, 6) if ctr else None,
        "ctr_high": rounded(ctr.high, 6) if ctr else None,
        **{
            name: rounded(rates[name].value, 6) if name in rates else None
            for name in ("cart_per_click", "order_per_impression", "order_per_click")
        },
        "true_ctr": rounded(true.ctr, 6) if true else None,
        "true_order_per_impression": rounded(true.order_per_impression, 6) if true else None,
    }


class PolicyVersions:
    """The policies of the run: fold the records of `patter.policy.log.v1`."""

    def __init__(self) -> None:
        self._created_ms: dict[int, int] = {}
        self._decoder = msgspec.json.Decoder(PolicySnapshot)
        self.undecodable = 0

    def policy(self, record: Record) -> None:
        """A snapshot."""
        try:
            snapshot = self._decoder.decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.undecodable += 1
            return
        self._created_ms[snapshot.version] = snapshot.created_ms

    def section(self, regret: Regret) -> dict[str, object]:
        """The section `policy`. versions: policies published in the run, the first one included. update_age_s: the
        median age, in seconds, of the policy that decided, over the decisions that `regret` counts.
        """
        shares = regret.shares()
        return {
            "versions": len(self._created_ms),
            "update_age_s": rounded(regret.policy_age_s(self._created_ms)),
            "best_share_first": shares.first,
            "best_share_last": shares.last,
            "best_share_last_low": shares.last_low,
            "regret_per_1000": shares.regret_per_1000,
            "uniform_regret_per_1000": shares.uniform_regret_per_1000,
            "decisions_compared": shares.decisions,
        }
