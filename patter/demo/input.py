"""The run's input: the demo's own shop, or the user's files, as records with a time to send them at."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from patter.demo.options import DEFAULT_SECONDS, DemoOptions
from patter.demo.sender import Due
from patter.demo.shop import DemoShop, demo_catalogue
from patter.files import (
    FieldMap,
    Reading,
    check_events,
    newest_time_ms,
    read_catalogue,
    read_events,
    read_shoppers,
)
from schemas.catalog import Product

# The demo's own malformed records hold one of 1.1 MB.
LARGEST_FAULT_BYTES = 1_200_000
USUAL_EVENT_BYTES = 10_000


class RunInput(Struct, frozen=True):
    """What is sent: products, files for the feature store, and records, given the wall time (ms) of second 0.

    `estimate` is how many events there will be, `largest_bytes` the size of the largest.
    """

    products: list[Product]
    users_file: Path
    catalog_file: Path
    records: Callable[[int], Iterable[Due]]
    estimate: int
    largest_bytes: int


def plan_input(options: DemoOptions, run_id: str, folder: Path) -> RunInput:
    """Read and check the user's files, or make the demo's. Raises ConfigError before anything is sent."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = FieldMap.parse(options.mapping)
    products = list(read_catalogue(options.catalog, mapping)) if options.catalog else list(demo_catalogue())
    shop = DemoShop(options.seed, options.shoppers, products)
    if options.users is not None:
        shop = shop.with_users([str(row["user_id"]) for row in read_shoppers(options.users, mapping)])
    # The store reads plain files of the contract, so that a user's own files and the demo's take one way.
    catalog_file, users_file = folder / "catalogue.jsonl", folder / "shoppers.jsonl"
    _write(catalog_file, products)
    _write(users_file, read_shoppers(options.users, mapping) if options.users else shop.profiles())
    if options.events is not None:
        reading = _reading(options, mapping)
        found = check_events(options.events, reading)
        limit = int(options.rate * options.seconds) if options.seconds else found.records
        path = options.events
        return RunInput(
            products,
            users_file,
            catalog_file,
            lambda _: _from_file(path, reading, options.rate, limit),
            min(limit, found.records),
            found.largest_bytes,
        )
    seconds = options.seconds or DEFAULT_SECONDS
    return RunInput(
        products,
        users_file,
        catalog_file,
        lambda start_ms: _from_shop(options, shop, run_id, seconds, start_ms),
        int(options.rate * seconds) + options.malformed + options.duplicates,
        LARGEST_FAULT_BYTES if options.malformed else USUAL_EVENT_BYTES,
    )


def _reading(options: DemoOptions, mapping: FieldMap) -> Reading:
    reading = Reading(now_ms=time.time_ns() // 1_000_000, mapping=mapping, raw=options.raw)
    if not options.rebase_times or options.events is None:
        return reading
    newest = newest_time_ms(options.events, reading)
    return reading if newest is None else msgspec.structs.replace(reading, shift_ms=reading.now_ms - newest)


def _write(path: Path, rows: Iterable[object]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")


def _from_shop(options: DemoOptions, shop: DemoShop, run_id: str, seconds: float, start_ms: int) -> Iterator[Due]:
    for each in shop.events(
        run_id=run_id,
        rate=options.rate,
        seconds=seconds,
        duplicates=options.duplicates,
        malformed=options.malformed,
        start_ms=start_ms,
    ):
        yield Due(each.at_s, each.key, each.value)


def _from_file(path: Path, reading: Reading, rate: float, limit: int) -> Iterator[Due]:
    for number, line in enumerate(itertools.islice(read_events(path, reading), limit)):
        yield Due(number / rate, line.key, line.value)
