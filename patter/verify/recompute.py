"""The recompute in DuckDB: rows in, contributions to cells out, by the SQL files of this package in their order."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files

import duckdb

from patter.verify.agents import agent_tables
from patter.verify.carried import Carried, create
from patter.verify.groups import group_table
from patter.verify.rows import Column, Rows, numbers
from patter.verify.rules import Rules
from schemas.events import KINDS
from schemas.token import code_of

_LOADED = {
    "rejected": "SELECT * FROM loaded",
    "event": """
        SELECT part, off, time_ms, kind.name AS kind, shopper, nullif(session, -1) AS session, agent,
            order_no, refund_no, ours = 1 AS ours, held = 1 AS held
        FROM loaded JOIN kind ON kind.number = loaded.kind
    """,
    "token": "SELECT * REPLACE (valid = 1 AS valid, barred = 1 AS barred) FROM loaded",
    "line": "SELECT * FROM loaded",
    "refund_line": "SELECT * REPLACE (nullif(quantity, -1) AS quantity, nullif(amount, -1) AS amount) FROM loaded",
}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
# Below this, starting threads costs more than they save.
FEW = 20_000
STEPS = (
    "0_tagged",
    "1_judged",
    "2_orders",
    "3_feedback",
    "4_credit",
    "5_refunds",
    "6_gains",
    "6_groups",
    "6_reached",
    "7_sums",
    "7_total",
    "8_cells",
)


@contextmanager
def recomputed(rows: Rows, rules: Rules, carried: Carried | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory in which everything is counted: see `8_cells.sql` for `cell` and `contribution`.

    `rows` are what came after what is `carried`.
    """
    connection = duckdb.connect(config=_CONFIG | ({"threads": 1} if rows.records < FEW else {}))
    try:
        held = None if rules.holdout is None else code_of(rules.holdout.name)
        connection.execute(
            """
            CREATE TABLE rules AS
            SELECT $1::BIGINT AS lateness_ms, $2::BIGINT AS max_cells, $3::BIGINT AS max_copies, $4::BIGINT AS holdout
            """,
            [rules.lateness_ms, rules.max_cells, rules.max_copies, held],
        )
        connection.execute(
            "CREATE TABLE kind AS SELECT unnest(range(len($1))) AS number, unnest($1) AS name", [list(KINDS)]
        )
        for name, table in rows.tables().items():
            load(connection, name, numbers(table.columns), _LOADED[name])
        for name, columns in agent_tables(rows, rules).items():
            load(connection, name, columns)
        create(connection, carried)
        load(connection, "tried", group_table(rows, rules), "SELECT * REPLACE (held = 1 AS held) FROM loaded")
        for step in STEPS:
            run_step(connection, step)
        yield connection
    finally:
        connection.close()


def load(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, Column],
    query: str = "SELECT * FROM loaded",
) -> None:
    """Make a table of columns. `query` reads them as `loaded`."""
    connection.register("loaded", dict(columns))
    connection.execute(f"CREATE TABLE {name} AS {query}")
    connection.unregister("loaded")


def run_step(connection: duckdb.DuckDBPyConnection, step: str) -> None:
    """Execute one of the SQL files."""
    connection.execute(files("patter.verify").joinpath("sql", f"{step}.sql").read_text())
