"""Each table that a checkpoint carries is needed: with it the rest of a log is counted as the whole is, without not."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec
import pytest
from feedback_log import DAY, HOUR, RULES, START_MS, Log, line, reach_of, token

from patter.verify.carried import TABLES, Carried, Keep, opened
from patter.verify.check import compared, expected
from patter.verify.rows import Rows
from patter.verify.rules import Difference, OnlineSource, Rules
from schemas.agents import AgentRules, WatchRule

HURRIED = AgentRules(version="1", watch=(WatchRule(name="rate", counts="acts", over=1, seconds=10, hold_hours=24),))
WATCHING = msgspec.structs.replace(RULES, agents=HURRIED)
NARROW = msgspec.structs.replace(RULES, max_cells=1, max_copies=1)
PATIENT = msgspec.structs.replace(RULES, lateness_ms=20 * DAY)


def _seen(log: Log) -> None:
    log.shown(token(1))


def _seen_of_another(log: Log) -> None:
    log.shown(token(2, arm=5, copy=7), 1)


def _bought(log: Log) -> None:
    log.clicked(token(1))
    log.ordered("o", line(revenue=700), at=1)


def _bought_and_sent_back(log: Log) -> None:
    _bought(log)
    log.refunded("o", "r", at=2)


def _looked(log: Log) -> None:
    log.viewed(100)


def _looked_twice(log: Log) -> None:
    log.viewed(100)
    log.viewed(200)


def _looked_and_seen(log: Log) -> None:
    log.viewed(200)
    log.shown(token(1), 200)


def _looked_at_once_and_seen(log: Log) -> None:
    log.viewed(100)
    log.shown(token(1), 200)


def _bought_long_before_it_clicked(log: Log) -> None:
    log.viewed(0)
    log.ordered("o", line(token=token(1)), at=-19 * DAY)
    log.clicked(token(1), 6 * DAY)
    log.viewed(12 * DAY)


NEEDED: dict[str, tuple[Rules, Callable[[Log], object], Callable[[Log], object]]] = {
    "watch": (WATCHING, _looked, _looked_at_once_and_seen),
    "wire": (WATCHING, _looked, _looked_and_seen),
    "trip": (WATCHING, _looked_twice, lambda log: log.shown(token(1), HOUR)),
    "life": (RULES, lambda log: log.carted(token(1)), lambda log: log.carted(token(1, START_MS + HOUR, arm=5), HOUR)),
    "feedback": (RULES, _seen, _seen),
    # Its order is forgotten, the decision is not.
    "first": (PATIENT, _bought_long_before_it_clicked, lambda log: log.ordered("o2", line(), at=12 * DAY)),
    "order": (RULES, _bought, lambda log: log.refunded("o", "r", at=20 * DAY)),
    "credit": (RULES, _bought, lambda log: log.refunded("o", "r", at=20 * DAY)),
    "refund": (RULES, _bought_and_sent_back, lambda log: log.refunded("o", "r", at=20 * DAY)),
    "arm": (NARROW, _seen, _seen_of_another),
    "text": (NARROW, _seen, _seen_of_another),
    "pair": (NARROW, _seen, _seen_of_another),
    "standing": (RULES, _seen, lambda log: log.shown(token(2), 1)),
    "reach": (RULES, _seen, _seen_of_another),
    "cell": (RULES, _seen, _seen_of_another),
    "source": (RULES, lambda log: log.viewed(HOUR), lambda log: log.shown(token(1), HOUR - 7 * DAY - 1)),
}


def rows_of(log: Log, begin: int, rules: Rules, carried: Carried | None = None) -> Rows:
    rows = Rows(rules, None if carried is None else carried.names)
    for offset, timestamp, value in log.records[begin:]:
        rows.put(0, offset, timestamp, value)
    return rows


def sound(log: Log, rules: Rules) -> dict[int, OnlineSource]:
    """What a sound online count of all of the log has."""
    through = len(log.records) - 1
    cells = {cell: (through, counters) for cell, counters in expected({0: log.records}, rules)[0].items()}
    high_ms = max(timestamp for _, timestamp, _ in log.records)
    return {0: OnlineSource(cells=cells, through=through, high_ms=high_ms, reach=reach_of(log, rules))}


def counted_on(log: Log, cut: int, rules: Rules, path: Path, online: dict[int, OnlineSource]) -> list[Difference]:
    """What it differs in from one that goes on from `path`."""
    carried = opened(path, {0: cut - 1})
    return compared(rows_of(log, cut, rules, carried), online, rules, carried)


def test_every_table_is_looked_at() -> None:
    assert NEEDED.keys() == TABLES.keys()


@pytest.mark.parametrize("table", TABLES)
def test_without_it_the_rest_is_counted_wrongly(tmp_path: Path, table: str) -> None:
    rules, before, after = NEEDED[table]
    log, path = Log(), tmp_path / "state.duckdb"
    before(log)
    cut = len(log.records)
    keep = Keep(path=path, through={0: cut - 1})
    assert compared(rows_of(log, 0, rules), {}, rules, keep=keep) == []
    after(log)
    online = sound(log, rules)
    assert counted_on(log, cut, rules, path, online) == []
    with duckdb.connect(str(path)) as connection:
        connection.execute(f'DELETE FROM "{table}"')
    assert counted_on(log, cut, rules, path, online) != []


def test_a_checkpoint_of_before_there_were_sketches_is_counted_on_from(tmp_path: Path) -> None:
    log, path = Log(), tmp_path / "state.duckdb"
    _seen(log)
    assert compared(rows_of(log, 0, RULES), {}, RULES, keep=Keep(path=path, through={0: 0})) == []
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE reach")
    _seen_of_another(log)
    cells = {cell: (1, counters) for cell, counters in expected({0: log.records}, RULES)[0].items()}
    high_ms = max(timestamp for _, timestamp, _ in log.records)
    online = {0: OnlineSource(cells=cells, through=1, high_ms=high_ms, reach=reach_of(log, since=1))}
    carried = opened(path, {0: 0})
    assert compared(rows_of(log, 1, RULES, carried), online, RULES, carried) == []
