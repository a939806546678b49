"""The run's input: the demo's own shop, or the user's files, as records with a time to send them at."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from patter.demo.options import DEFAULT_SECONDS, DemoOptions
from patter.demo.sender import Due
from patter.demo.shop import DemoShop, demo_catalogue
from patter.files import FieldMap, check_events, read_catalogue, read_events, read_shoppers
from schemas.catalog import Product


class RunInput(Struct, frozen=True):
    """What is sent: products, files for the feature store, and records. `estimate` is how many events there will be."""

    products: list[Product]
    users_file: Path
    catalog_file: Path
    store_maps: tuple[str, ...]
    records: Callable[[int], Iterable[Due]]
    estimate: int
    largest_bytes: int


def plan_input(options: DemoOptions, run_id: str, folder: Path) -> RunInput:
    """Read and check the user's files, or make the demo's. Raises ConfigError before anything is sent."""
    folder.mkdir(parents=True, exist_ok=True)
    field_map = FieldMap.parse(options.mapping)
    products = list(read_catalogue(options.catalog, field_map)) if options.catalog else list(demo_catalogue())
    shop = DemoShop(options.seed, options.shoppers, products)
    if options.users is not None:
        shop = shop.with_users([str(row["user_id"]) for row in read_shoppers(options.users, field_map)])
    # The store reads plain files of the contract, so that a user's own files and the demo's take one way.
    catalog_file, users_file = folder / "catalogue.jsonl", folder / "shoppers.jsonl"
    catalog_file.write_bytes(b"".join(msgspec.json.encode(product) + b"\n" for product in products))
    rows = read_shoppers(options.users, field_map) if options.users else shop.profiles()
    with users_file.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")
    if options.events is not None:
        count, largest = check_events(options.events, field_map, raw=options.raw)
        return RunInput(
            products, users_file, catalog_file, (), lambda _: _from_file(options, field_map), count, largest
        )
    seconds = options.seconds or DEFAULT_SECONDS
    return RunInput(
        products,
        users_file,
        catalog_file,
        (),
        lambda start_ms: _from_shop(options, shop, run_id, seconds, start_ms),
        int(options.rate * seconds) + options.malformed + options.duplicates,
        1_200_000 if options.malformed else 10_000,
    )


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


def _from_file(options: DemoOptions, field_map: FieldMap) -> Iterator[Due]:
    lines = read_events(options.events or Path(), field_map, raw=options.raw)
    last = options.rate * options.seconds if options.seconds else None
    for number, line in enumerate(itertools.islice(lines, None if last is None else int(last))):
        yield Due(number / options.rate, line.key, line.value)
