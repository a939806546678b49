"""librdkafka's in-process Kafka cluster, opened through its C API (rdkafka_mock.h).

The Python client can only switch the cluster on (`test.mock.num.brokers`), and then every topic has four partitions;
the C API lets topics be created with the number that the catalogue asks for. It lives as long as the object does.
"""

import ctypes
import ctypes.util
import importlib.util
from collections.abc import Mapping
from pathlib import Path

_PRODUCER = 0  # RD_KAFKA_PRODUCER; the cluster hangs on a client handle, of whichever kind
_OK = 0
_ERROR_BYTES = 512
# What the cluster gives a topic that a client's question brings into being.
DEFAULT_PARTITIONS = 4


def library_path() -> str | None:
    """The librdkafka that confluent-kafka brings along (Linux and macOS wheels), else the system's; None without."""
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for folder in (package.with_name("confluent_kafka.libs"), package / ".dylibs"):
            for library in sorted(folder.glob("librdkafka*")):
                return str(library)
    return ctypes.util.find_library("rdkafka")


class MockCluster:
    """One broker with the topics given.

    Raises OSError where the library, or the C API in it, is missing, RuntimeError where the cluster refuses.
    """

    note = ""

    def __init__(self, topics: Mapping[str, int]) -> None:
        path = library_path()
        if path is None:
            raise OSError("librdkafka is not found")
        self._library = library = ctypes.CDLL(path)
        try:
            _declare(library)
        except AttributeError as error:
            raise OSError(f"{path} has no in-process cluster: {error}") from error
        said = ctypes.create_string_buffer(_ERROR_BYTES)
        # rd_kafka_new takes the configuration over; none means the defaults, which reach for no broker.
        self._client = library.rd_kafka_new(_PRODUCER, None, said, _ERROR_BYTES)
        if not self._client:
            raise RuntimeError(said.value.decode(errors="replace"))
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            raise RuntimeError("the in-process cluster does not start")
        # By default a new group waits 3 s for more members.
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for name, partitions in topics.items():
            error_code = library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
            if error_code != _OK:
                raise RuntimeError(f"{name}: {library.rd_kafka_err2str(error_code).decode()}")
        self.partitions = dict(topics)

    def bootstrap(self) -> str:
        """HOST:PORT."""
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def close(self) -> None:
        """Stop it; its records are gone."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


class FallbackCluster:
    """The same by `test.mock.num.brokers`, where the C API cannot be reached. Every topic has four partitions."""

    note = f"librdkafka's C API could not be opened: every topic has {DEFAULT_PARTITIONS} partitions"

    def __init__(self, topics: Mapping[str, int]) -> None:
        from confluent_kafka import Producer

        self._producer = Producer({"test.mock.num.brokers": 1, "allow.auto.create.topics": True})
        for name in topics:
            # Asking about a topic by name creates it.
            self._producer.list_topics(name, timeout=10.0)
        found = self._producer.list_topics(timeout=10.0)
        self._bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in found.brokers.values())
        self.partitions = {name: len(found.topics[name].partitions) for name in topics}

    def bootstrap(self) -> str:
        """HOST:PORT."""
        return self._bootstrap

    def close(self) -> None:
        """Let go of the client; the cluster ends with the process."""
        del self._producer


def open_cluster(topics: Mapping[str, int]) -> MockCluster | FallbackCluster:
    """The cluster by the C API, else by the client's setting."""
    try:
        return MockCluster(topics)
    except OSError:
        return FallbackCluster(topics)


def _declare(library: ctypes.CDLL) -> None:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures = {
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
