"""Online against batch: records and published cells in, differences out. No clock, no I/O."""

from array import array
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np

from patter.verify.carried import Carried, Keep, written
from patter.verify.reached import keep_reach, reach_differences
from patter.verify.recompute import load, recomputed, run_step
from patter.verify.rows import Column, Rows, numbers
from patter.verify.rules import Difference, OnlineSource, Rules

Logged = Mapping[int, Sequence[tuple[int, int, bytes | None]]]
"""By partition, in order: offset, Kafka timestamp in ms, value."""

Counters = dict[str, int]


def differences(records: Logged, online: Mapping[int, OnlineSource], rules: Rules) -> list[Difference]:
    """Where what was published differs from what `records`, the log from its beginning, come to.

    Every cell is judged up to its own `through`; nothing of it may lie between that and what is settled; a cell whose
    bucket has expired must be gone. Only partitions of `online` are looked at.
    """
    return compared(_rows(records, rules), online, rules)


def expected(records: Logged, rules: Rules) -> dict[int, dict[str, Counters]]:
    """By partition and cell, the counters (that are not 0) after all of the records; expired cells are left out."""
    with recomputed(_rows(records, rules), rules) as connection:
        found = connection.execute(
            """
            WITH high AS (SELECT part, max(time_ms) AS high_ms FROM event GROUP BY part)
            SELECT cell.part, cell.cell, counter, sum(amount)
            FROM contribution JOIN cell USING (id) LEFT JOIN high ON high.part = cell.part
            WHERE coalesce(expires_ms > high_ms, true)
            GROUP BY cell.part, cell.cell, counter ORDER BY ALL
            """
        ).fetchall()
    counted: dict[int, dict[str, Counters]] = {partition: {} for partition in records}
    for partition, cell, counter, amount in found:
        counted[partition].setdefault(cell, {})[counter] = int(amount)
    return counted


def compared(
    rows: Rows,
    online: Mapping[int, OnlineSource],
    rules: Rules,
    carried: Carried | None = None,
    keep: Keep | None = None,
) -> list[Difference]:
    """`differences`, of rows after what is `carried`. `keep` writes what a later recompute can count on from, where
    there are none.
    """
    with recomputed(rows, rules, carried) as connection:
        _load_online(connection, online)
        run_step(connection, "9_compare")
        found = connection.execute("FROM difference ORDER BY part, cell, field").fetchall()
        sketched = reach_differences(connection, rows, online)
        if keep is not None and not found and not sketched:
            barrier = {"part": array("q", keep.through), "through": array("q", keep.through.values())}
            load(connection, "barrier", numbers(barrier))
            run_step(connection, "10_keep")
            keep_reach(connection, rows, keep.through, online)
            written(connection, keep.path, rows.digests())
    return [
        Difference(partition=part, cell=cell, field=field, online=_whole(seen), batch=_whole(counted))
        for part, cell, field, seen, counted in found
    ] + sketched


def _rows(records: Logged, rules: Rules) -> Rows:
    rows = Rows(rules)
    for partition, stretch in records.items():
        for offset, timestamp_ms, value in stretch:
            rows.put(partition, offset, timestamp_ms, value)
    return rows


def _load_online(connection: duckdb.DuckDBPyConnection, online: Mapping[int, OnlineSource]) -> None:
    sources = {name: array("q") for name in ("part", "through", "high_ms", "settled", "exact")}
    entries = {name: array("q") for name in ("part", "through")}
    cells: list[str] = []
    amounts = {"entry": array("q")}
    counters: list[str] = []
    values: list[str] = []
    for partition, source in online.items():
        exact = source.settled is None
        settled = source.through if source.settled is None else source.settled
        for name, value in zip(sources, (partition, source.through, source.high_ms, settled, exact), strict=True):
            sources[name].append(value)
        for cell, (through, counted) in source.cells.items():
            for counter, amount in counted.items():
                amounts["entry"].append(len(cells))
                counters.append(counter)
                values.append(str(amount))
            entries["part"].append(partition)
            entries["through"].append(through)
            cells.append(cell)
    load(connection, "source", numbers(sources), "SELECT * REPLACE (exact = 1 AS exact) FROM loaded")
    numbered = {**numbers(entries), "entry": np.arange(len(cells)), "cell": _words(cells)}
    load(connection, "entry", numbered)
    given = {**numbers(amounts), "counter": _words(counters), "amount": _words(values)}
    query = """
        SELECT part, cell, counter, amount::HUGEINT AS amount FROM loaded JOIN entry ON entry.entry = loaded.entry
    """
    load(connection, "online", given, query)


def _words(words: list[str]) -> Column:
    # Without words there is nothing to tell the type by.
    return np.array(words, dtype=object) if words else np.array([], dtype=np.str_)


def _whole(number: int | None) -> int | None:
    return None if number is None else int(number)
