"""The broker that benchmarks run on, and settings files for the roles that they start."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patter.settings import Settings, load
from streams.brokers import local
from streams.brokers.info import BrokerInfo


@contextmanager
def bench_broker(folder: Path) -> Iterator[BrokerInfo]:
    """A Kafka of its own, with a JIT that may take its time. Raises LackingError where there is no Java."""
    broker = local.start(folder / "broker", port=0, heap_mib=1024, jit="full")
    try:
        yield broker
    finally:
        local.stop(folder / "broker")


def described(broker: BrokerInfo) -> dict[str, object]:
    """The `broker` member of results."""
    return {
        "kind": "local",
        "version": broker.version,
        "bootstrap": broker.bootstrap,
        "delivery": "exactly_once",
        "transactions_isolated": None,
    }


def on_broker(folder: Path, bootstrap: str, **over: object) -> dict[str, object]:
    """What settings begin with: this broker and this folder, and `over`."""
    kafka = {"bootstrap": bootstrap, "delivery": "exactly_once"}
    # A bench's shoppers act at machine speed.
    return {"data_dir": str(folder), "kafka": kafka, "agents": {"watch": False}, **over}


def settings_file(folder: Path, name: str, over: dict[str, object]) -> tuple[Settings, Path]:
    """Settings, and the file that a role reads them from."""
    settings = load(None, over)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(settings.model_dump(mode="json", exclude_none=True)))
    return settings, path
