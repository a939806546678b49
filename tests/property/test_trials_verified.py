"""Orders by intent to treat in experiments that start and stop: collect, the recompute in SQL, and a plain count."""

from collections import defaultdict
from typing import Any

import msgspec
from feedback_events import KEYS, LOGS, NOW_MS, records_of
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.decide.assign import Holdout
from inference.experiment.trial_groups import TrialGroups
from patter.verify.check import expected
from patter.verify.rules import Rules as BatchRules
from schemas.agents import rules_of_parts
from schemas.cells import DAY_MS, Cell
from schemas.decode import decode_event
from schemas.events import OrderPlaced
from schemas.shopper_sums import HELD_OUT, TREATED, UNIT, pair_cell
from schemas.token import code_of
from schemas.trial_groups import Tried
from streams.collect.changelog import Restoring, changes
from streams.collect.rules import Rules
from streams.collect.source import Source

OWN = Holdout("x", "salt", 0.3)
LIMITS: dict[str, Any] = {"lateness_ms": 7 * DAY_MS, "max_copies": 2, "holdout": OWN}


def tried(name: str, layer: str, started_ms: int, stopped_ms: int | None = None) -> Tried:
    return Tried(
        name=name, salt=name, layer=layer, first=0, after=8_000, holdout=0.5,
        started_ms=NOW_MS + started_ms, stopped_ms=None if stopped_ms is None else NOW_MS + stopped_ms,
    )  # fmt: skip


SPRING, AUTUMN = tried("spring", "a", -1, 60 * 60_000), tried("autumn", "b", 0)
SETS = ((), (SPRING,), (SPRING, AUTUMN), (AUTUMN,))
# Before which record collect hears of which experiments.
NEWS = st.dictionaries(st.integers(0, 30), st.sampled_from(SETS), max_size=4)


def restored(source: Source, rules: Rules) -> Source:
    """The source from its state records, as after a restart."""
    made = Restoring(Source(source.name, rules))
    for key, value in changes(source, []):
        made.put(key, value)
    return made.finish()


@settings(max_examples=40, deadline=None)
@given(LOGS, NEWS, st.sampled_from([2, 50]))
def test_collect_and_the_recompute_count_alike(log: Any, news: dict[int, tuple[Tried, ...]], most: int) -> None:
    rules = Rules(keys=KEYS, currency="USD", agents=rules_of_parts("bot"), max_cells=most, **LIMITS)
    batch = BatchRules(keys=KEYS, currency="USD", agents=rules_of_parts("bot"), max_cells=most, **LIMITS)
    sources = {partition: Source(f"life:{partition}", rules) for partition in (0, 1)}
    logged: dict[int, list[tuple[int, int, bytes | None]]] = {0: [], 1: []}
    now: tuple[Tried, ...] = ()
    orders: defaultdict[tuple[int, str, bool], set[str]] = defaultdict(set)
    for place, record in enumerate(records_of(log)):
        now = news.get(place, now)
        source, event = sources[record.partition], decode_event(record.value, record.timestamp_ms)
        source.try_out(now)
        before = source.counts.total["orders"]
        source.take(record.offset, event)
        source.counts.expire()
        logged[record.partition].append((record.offset, record.timestamp_ms, record.value))
        if isinstance(event, OrderPlaced) and source.counts.total["orders"] > before:
            found = TrialGroups(OWN, now).of(event.user_id, int(event.time.timestamp() * 1000))
            if found is not None:
                orders[record.partition, *found].add(event.order_id)
    batch = msgspec.structs.replace(batch, trials={part: source.trials for part, source in sources.items()})
    counted = expected(logged, batch)
    for part, source in sources.items():
        if source.through < 0:
            continue
        assert counted[part] == {cell.text(): counters for cell, counters in source.counts.everything()}
        again = restored(source, rules)
        assert (again.trials, dict(again.counts.everything())) == (source.trials, dict(source.counts.everything()))
        for (partition, name, out), ids in orders.items():
            pair = pair_cell(code_of(name), code_of(HELD_OUT if out else TREATED))
            if partition == part and most == 50:
                assert counted[part][Cell("shoppers", "life", pair).text()]["orders"] == UNIT * len(ids)
