"""What has to stand before the first event: settings of this run, topics, catalogue, features, policy."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from inference.bundle import load_bundle
from patter.demo.brokerage import OpenBroker
from patter.demo.options import DemoOptions
from patter.settings import Settings, load
from patter.wiring.bundle import bundle_path
from patter.wiring.kafka import kafka_options, topics_of
from schemas.catalog import Product
from schemas.errors import Code, LackingError, PatterError
from streams.kafka.config import producer_config

SETTINGS_FILE = "settings.json"
STORE_TIMEOUT_S = 300.0


def check_first(options: DemoOptions) -> None:
    """What would end the roles as soon as they start, found before a broker does. Raises ConfigError, LackingError."""
    bundle = {"bundle": str(options.bundle.absolute())} if options.bundle is not None else {}
    load_bundle(bundle_path(load(options.config, dict(bundle))))


def run_settings(
    options: DemoOptions, broker: OpenBroker, partitions: Mapping[str, int], currency: str
) -> tuple[Settings, Path]:
    """The user's settings with this run's broker and folders on top, and the file that the roles read them from.

    Without a file of the user's the tenant's currency is the catalogue's.
    """
    over: dict[str, object] = {
        "data_dir": str(options.data_dir.absolute()),
        # A demo's few shoppers do in a minute what a shop's do in a day: their speed tells nothing.
        "agents": {"watch": False},
        "kafka": {
            "bootstrap": broker.bootstrap,
            "delivery": broker.delivery,
            "client": dict(broker.client),
            "incarnation": broker.incarnation,
        },
    }
    if options.config is None:
        over["collect"] = {"currency": currency}
    if partitions:
        over["topics"] = {logical: {"partitions": count} for logical, count in partitions.items()}
    if options.bundle is not None:
        over["bundle"] = str(options.bundle.absolute())
    settings = load(options.config, over)
    path = options.data_dir / SETTINGS_FILE
    path.write_text(json.dumps(settings.model_dump(mode="json", exclude_none=True), indent=1))
    return settings, path


class StorePreparation:
    """Fills the feature store in a process of its own: importing Feast takes as long as starting a broker does."""

    def __init__(self, config: Path, users: Path, catalog: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "patter", "features", "materialize", "--config", str(config)]
            + ["--users", str(users), "--catalog", str(catalog)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        """Raises PatterError where the store could not be filled."""
        try:
            said, _ = self._process.communicate(timeout=STORE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise LackingError(Code.STORE_UNREACHABLE, "the feature store did not take the shoppers in time") from None
        if self._process.returncode:
            tail = said.decode(errors="replace").strip().splitlines()[-1:]
            raise PatterError(
                Code.STORE_UNREACHABLE, "the feature store could not be filled", where=" ".join(tail) or "features"
            )


def publish_catalogue(settings: Settings, products: Iterable[Product]) -> int:
    """Put every product on the catalogue topic; answers how many. Raises LackingError."""
    producer = Producer(producer_config(kafka_options(settings, "patter-demo")))
    topic = topics_of(settings)["catalog"].name
    count = 0
    for product in products:
        producer.produce(topic, value=msgspec.json.encode(product), key=product.product_id.encode())
        producer.poll(0)
        count += 1
    if producer.flush(30.0):
        raise LackingError(Code.BROKER_FAILED, "the catalogue was not acknowledged", where=topic)
    return count
