"""The demo's broker: embedded, local, or somebody's."""

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from schemas.topics import BY_LOGICAL

# The in-process cluster answers a fetch that finds nothing only when its time is over, also where records come in the
# meantime: with the default of 500 ms every hop costs a quarter of a second.
EMBEDDED_CLIENT = {"fetch.wait.max.ms": "20"}


class OpenBroker(Struct, frozen=True):
    """A broker that runs. `kind` is embedded, local or remote; `close` stops what the demo itself started."""

    kind: str
    version: str | None
    bootstrap: str
    delivery: str
    incarnation: str
    note: str
    client: dict[str, str]
    close: Callable[[], None]

    def described(self, transactions_isolated: bool) -> dict[str, object]:  # noqa: FBT001 - one measured fact
        """The `broker` member of results."""
        return {
            "kind": self.kind,
            "version": self.version,
            "bootstrap": self.bootstrap,
            "delivery": self.delivery,
            "transactions_isolated": transactions_isolated,
            "note": self.note or None,
        }


def open_broker(wish: str, data_dir: Path, partitions: Mapping[str, int]) -> OpenBroker:
    """Start or find the broker. `partitions` (logical topic -> count) is for the embedded one, whose topics are made at
    its start. Raises LackingError that says what is missing.
    """
    if wish == "embedded":
        from streams.brokers import embedded

        topics = {topic.name: partitions.get(logical, topic.partitions) for logical, topic in BY_LOGICAL.items()}
        info = embedded.start_embedded(topics, data_dir / "broker-embedded")
        return OpenBroker(
            "embedded",
            info.version,
            info.bootstrap,
            "at_least_once",
            info.incarnation,
            info.note,
            EMBEDDED_CLIENT,
            lambda: embedded.stop(info),
        )
    if wish == "local":
        from streams.brokers import local
        from streams.brokers.ports import free_port

        folder = data_dir / "broker"
        running = local.status(folder)
        started = running or local.start(folder, port=free_port())
        close = (lambda: None) if running else (lambda: _ignore(local.stop(folder)))
        return OpenBroker("local", started.version, started.bootstrap, "exactly_once", "", started.note, {}, close)
    return OpenBroker("remote", None, wish, "exactly_once", "", "", {}, lambda: None)


def _ignore(_: object) -> None:
    return None
