"""What a checkpoint carries over to a later recompute, as tables: the batch's own state, and nothing of collect's.

Shoppers, orders and sessions stand in it as hashes of their names: enough to know them again, and no list of them.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import duckdb
import numpy as np
from msgspec import Struct

_NAMED = (
    "decision BIGINT, decided_ms BIGINT, experiment BIGINT, category BIGINT, segment BIGINT, variant BIGINT, "
    "copy BIGINT"
)
_PLACE = "part BIGINT, off BIGINT"

TABLES: Mapping[str, str] = {
    "source": "part BIGINT, through BIGINT, high BIGINT, life BIGINT",
    "reach": "part BIGINT, since BIGINT, what VARCHAR, kind VARCHAR, day BIGINT, data BLOB",
    "watch": "part BIGINT, span BIGINT, shopper BIGINT, act_ms BIGINT, seen BIGINT, seen_ms BIGINT",
    "wire": f"{_PLACE}, span BIGINT, shopper BIGINT, rank BIGINT, window_ms BIGINT, stretch BIGINT, number HUGEINT",
    "trip": "part BIGINT, span BIGINT, shopper BIGINT, rank BIGINT, name VARCHAR, hold_ms BIGINT, tripped_ms BIGINT",
    "life": f"life BIGINT, part BIGINT, shopper BIGINT, {_NAMED}, off BIGINT, product BIGINT, weight BIGINT",
    "feedback": f"{_PLACE}, place BIGINT, kind VARCHAR, time_ms BIGINT, high BIGINT, shopper BIGINT, session BIGINT, "
    f"{_NAMED}, product BIGINT, weight BIGINT",
    "first": f"{_PLACE}, place BIGINT, shopper BIGINT, decision BIGINT",
    "order": "part BIGINT, order_no BIGINT, since BIGINT, placed_ms BIGINT",
    "credit": f"{_PLACE}, place BIGINT, line_no BIGINT, product BIGINT, quantity BIGINT, revenue BIGINT, "
    "order_no BIGINT, since BIGINT, ours BOOLEAN, time_ms BIGINT, high BIGINT, shopper BIGINT, session BIGINT, "
    f"matched VARCHAR, {_NAMED}, weight BIGINT",
    "refund": f"{_PLACE}, order_no BIGINT, refund_no BIGINT, since BIGINT",
    "arm": f"{_PLACE}, place BIGINT, experiment BIGINT, category BIGINT, segment BIGINT, variant BIGINT",
    "text": f"{_PLACE}, place BIGINT, experiment BIGINT, category BIGINT, segment BIGINT, copy BIGINT",
    "pair": f"{_PLACE}, place BIGINT, experiment BIGINT, variant BIGINT",
    "standing": f"{_PLACE}, shopper BIGINT, pair VARCHAR, high_day BIGINT, impressions HUGEINT, clicks HUGEINT, "
    "impressed_orders HUGEINT, revenue_minor HUGEINT, clicked_carts HUGEINT, clicked_orders HUGEINT, orders HUGEINT, "
    "refunds HUGEINT, before_impressions HUGEINT, before_clicks HUGEINT",
    "cell": f"{_PLACE}, family VARCHAR, name VARCHAR, start_ms BIGINT, expires_ms BIGINT, arm VARCHAR, "
    "counter VARCHAR, amount HUGEINT",
}
"""By name, the columns of what is carried. `source` says how far; 10_keep.sql what the rest is."""

_NAMES = (
    ("watch", "shopper"), ("wire", "shopper"), ("trip", "shopper"), ("life", "shopper"), ("life", "decision"),
    ("feedback", "shopper"), ("feedback", "session"), ("first", "shopper"), ("order", "order_no"),
    ("credit", "shopper"), ("credit", "session"), ("credit", "order_no"), ("credit", "line_no"),
    ("refund", "order_no"), ("refund", "refund_no"), ("standing", "shopper"),
)  # fmt: skip
"""The columns whose numbers stand for names of the log."""

# One of a version before has no sketches, as that version's collect.
_THERE = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'state'"
# A billion names meet by chance once in 10^20.
DIGEST_BYTES = 16


class Carried(Struct, frozen=True, kw_only=True):
    """A checkpoint's tables, in the DuckDB file at `path`, for the partitions of `through`, which are counted up to
    these offsets. `names` are the numbers of names, by their digests.
    """

    path: Path
    through: Mapping[int, int]
    names: Mapping[bytes, int]


class Keep(Struct, frozen=True, kw_only=True):
    """Write what is counted of these partitions up to these offsets, into a new DuckDB file at `path`."""

    path: Path
    through: Mapping[int, int]


def digest_of(name: object) -> bytes:
    """What stands in a checkpoint for a name: text, or the bytes of an id."""
    data = name if isinstance(name, bytes) else str(name).encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=DIGEST_BYTES, person=type(name).__name__.encode()).digest()


def opened(path: Path, through: Mapping[int, int]) -> Carried:
    """The tables of a file that `kept` wrote, for these of its partitions."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute("FROM names").fetchall()
    return Carried(path=path, through=through, names={bytes(digest): int(number) for number, digest in found})


def create(connection: duckdb.DuckDBPyConnection, carried: Carried | None) -> None:
    """Make the tables `carried_...`, empty ones where nothing is carried."""
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE carried_{name} ({columns})")
    if carried is None or not carried.through:
        return
    connection.execute("ATTACH '" + str(carried.path).replace("'", "''") + "' AS state (READ_ONLY)")
    there = {name for (name,) in connection.execute(_THERE).fetchall()}
    for name in TABLES.keys() & there:
        connection.execute(
            # Names of tables are this module's own.
            f'INSERT INTO carried_{name} BY NAME SELECT * FROM state."{name}" WHERE list_contains($1, part)',  # noqa: S608
            [list(carried.through)],
        )
    connection.execute("DETACH state")


def written(connection: duckdb.DuckDBPyConnection, path: Path, digests: Mapping[int, bytes]) -> None:
    """Write the tables `kept_...` into a new file. `digests` has the names of at least the numbers in them."""
    connection.execute("ATTACH '" + str(path).replace("'", "''") + "' AS state")
    for name, columns in TABLES.items():
        connection.execute(f'CREATE TABLE state."{name}" ({columns})')
        connection.execute(f'INSERT INTO state."{name}" BY NAME SELECT * FROM kept_{name}')  # noqa: S608
    numbers = " UNION ".join(f"SELECT {column} AS number FROM kept_{name}" for name, column in _NAMES)  # noqa: S608
    used = [int(number) for (number,) in connection.execute(numbers).fetchall() if number is not None]
    named = {
        "number": np.array(used, dtype=np.int64),
        "digest": np.array([digests[number].hex() for number in used], dtype=object if used else np.str_),
    }
    connection.register("loaded", named)
    connection.execute("CREATE TABLE state.names AS SELECT number, from_hex(digest) AS digest FROM loaded")
    connection.unregister("loaded")
    connection.execute("DETACH state")
