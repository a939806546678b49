"""Sketches online against the recompute: who was reached and what brought it, taken again in the order of the log.

The rows come from SQL, which shares no counting code with collect. They go through the same sketches, which must then
know the same. That sketches say what is true is asked of them too, where the log is whole: exact sums have to lie
within the bounds of products, exact numbers of shoppers near what is estimated.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import duckdb

from features.aggregates.distinct import RELATIVE_ERROR
from features.aggregates.reach import Reach
from patter.verify.rows import Rows
from patter.verify.rules import Difference, OnlineSource
from schemas.sketches import DISTINCT, KIND_AT, SHOPPER_KINDS, TOP, Name, shopper_number

PREFIX = "sketch"
# Five standard errors: of a million sketches, all right, not one is further off.
DEVIATIONS = 5
# A wrong sketch of products has hundreds that differ; whoever looks for a fault needs the first few.
MOST_PRODUCTS = 10
_FETCHED = 100_000


def reach_differences(
    connection: duckdb.DuckDBPyConnection, rows: Rows, online: Mapping[int, OnlineSource]
) -> list[Difference]:
    """Where the sketches of `online` differ from what the log brought; those of sources without any are passed over."""
    found: list[Difference] = []
    names = rows.names()
    for part, source in sorted(online.items()):
        if source.reach is None:
            continue
        # What lies between the sketches' last record and what is settled brought nothing, or is missing in them.
        through = max(source.reach.through, source.through if source.settled is None else source.settled)
        batch = taken(connection, names, part, source.reach.since, through)
        found += _compared(part, source.reach.reach, batch)
        if source.reach.since == 0 and not _is_carried(connection, part):
            found += _outside(connection, part, through, batch)
    return found


def taken(
    connection: duckdb.DuckDBPyConnection, names: Mapping[int, object], part: int, since: int, through: int
) -> Reach:
    """The sketches that the log of a partition comes to, from the offset `since` up to `through`.

    `names` are those behind the numbers of rows. What a checkpoint carried is added to, where it counts from there.
    """
    reach = Reach()
    carried = connection.execute(
        "SELECT what, kind, day, data FROM carried_reach WHERE part = $1 AND since = $2", [part, since]
    ).fetchall()
    for what, kind, day, data in carried:
        reach.put(Name(what, kind, day), bytes(data))
    numbers: dict[int, int] = {}
    brought = connection.execute(
        """
        SELECT counter, day, product, amount, shopper FROM reached
        WHERE part = $1 AND off BETWEEN $2 AND $3 ORDER BY off, place
        """,
        [part, since, through],
    )
    while some := brought.fetchmany(_FETCHED):
        for *_, shopper in some:
            if shopper not in numbers:
                numbers[shopper] = shopper_number(str(names[shopper]))
        reach.take((KIND_AT[kind], day, product, amount, numbers[who]) for kind, day, product, amount, who in some)
    reach.expire(_high(connection, part, through))
    return reach


def keep_reach(
    connection: duckdb.DuckDBPyConnection,
    rows: Rows,
    through: Mapping[int, int],
    online: Mapping[int, OnlineSource],
) -> None:
    """Make the table `kept_reach`: the sketches as of the offsets `through`."""
    connection.execute(
        "CREATE TABLE kept_reach (part BIGINT, since BIGINT, what VARCHAR, kind VARCHAR, day BIGINT, data BLOB)"
    )
    names = rows.names()
    for part, last in through.items():
        source = online.get(part)
        since = 0 if source is None or source.reach is None else source.reach.since
        reach = taken(connection, names, part, since, last)
        for name in reach.names():
            connection.execute(
                "INSERT INTO kept_reach VALUES ($1, $2, $3, $4, $5, $6)", [part, since, *name, reach.data(name)]
            )


def _compared(part: int, online: Reach, batch: Reach) -> Iterator[Difference]:
    here, there = set(online.names()), set(batch.names())
    for name in sorted(here | there):
        if name not in here or name not in there:
            yield _difference(part, name, "records", int(name in here), int(name in there))
        elif name.what == DISTINCT:
            seen, counted = online.distinct(name), batch.distinct(name)
            if seen.content() != counted.content():
                yield _difference(part, name, "shoppers", seen.estimate().value, counted.estimate().value)
        else:
            yield from _unlike(part, name, online.top(name).content(), batch.top(name).content())


def _unlike(
    part: int, name: Name, seen: tuple[int, int, Mapping[int, int]], counted: tuple[int, int, Mapping[int, int]]
) -> Iterator[Difference]:
    for field, here, there in (("total", seen[0], counted[0]), ("slack", seen[1], counted[1])):
        if here != there:
            yield _difference(part, name, field, here, there)
    wrong = sorted(item for item in {*seen[2], *counted[2]} if seen[2].get(item) != counted[2].get(item))
    for item in wrong[:MOST_PRODUCTS]:
        yield _difference(part, name, f"{item:08x}", seen[2].get(item), counted[2].get(item))


def _outside(connection: duckdb.DuckDBPyConnection, part: int, through: int, batch: Reach) -> Iterator[Difference]:
    """Where the exact numbers of SQL lie outside of what the sketches say they do."""
    names = set(batch.names())
    for day, kind, exact in _exact(connection, part, through, "count(DISTINCT shopper)"):
        name = Name(DISTINCT, kind, day)
        if kind in SHOPPER_KINDS and name in names:
            estimate = batch.distinct(name).estimate().value
            if abs(estimate - exact) > DEVIATIONS * RELATIVE_ERROR * exact:
                yield _difference(part, name, "exact shoppers", estimate, exact)
    sums: dict[Name, dict[int, int]] = {}
    for day, kind, product, exact in _exact(connection, part, through, "sum(amount)", "product,"):
        sums.setdefault(Name(TOP, kind, day), {})[product] = exact
    for name, amounts in sums.items():
        if name not in names:
            continue
        total, slack, lows = batch.top(name).content()
        if total != sum(amounts.values()):
            yield _difference(part, name, "exact total", total, sum(amounts.values()))
        for product, amount in amounts.items():
            low = lows.get(product, 0)
            if not low <= amount <= low + slack:
                yield _difference(part, name, f"exact {product:08x}", low, amount)


def _exact(
    connection: duckdb.DuckDBPyConnection, part: int, through: int, figure: str, by: str = ""
) -> Iterable[tuple[Any, ...]]:
    """Figures by day and kind, those of all time with the day -1."""
    return connection.execute(
        # Both parts of the query are this module's own.
        f"""
        WITH bucketed AS (
            SELECT unnest(list_distinct([day, -1])) AS day, counter, product, amount, shopper
            FROM reached WHERE part = $1 AND off <= $2
        )
        SELECT day, counter, {by} {figure} FROM bucketed GROUP BY ALL
        """,  # noqa: S608
        [part, through],
    ).fetchall()


def _is_carried(connection: duckdb.DuckDBPyConnection, part: int) -> bool:
    return bool(connection.execute("SELECT 1 FROM carried_source WHERE part = $1", [part]).fetchall())


def _high(connection: duckdb.DuckDBPyConnection, part: int, through: int) -> int:
    found = connection.execute(
        """
        SELECT max(time_ms) FROM (
            SELECT part, off, time_ms FROM event UNION ALL SELECT part, through, high FROM carried_source
        ) AS any_event WHERE part = $1 AND off <= $2
        """,
        [part, through],
    ).fetchone()
    return int(found[0]) if found is not None and found[0] is not None else 0


def _difference(part: int, name: Name, field: str, online: int | None, batch: int | None) -> Difference:
    return Difference(partition=part, cell=f"{PREFIX}|{name.text()}", field=field, online=online, batch=batch)
