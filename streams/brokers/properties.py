"""server.properties of a one-node Kafka: broker and controller in one process, reachable from this machine only."""

from schemas.topics import MIB

# Above the largest topic's own limit (the DLQ's 5 MiB), so that the topic's limit is the one that speaks.
MAX_MESSAGE_BYTES = 6 * MIB
# Internal topics default to 50 partitions each, made for clusters; four keep start and memory small.
INTERNAL_PARTITIONS = 4
# Patter asks for 10 s. A minute is room for a user's own client; the default of 15 would let one that died stall
# every read_committed reader for as long.
TRANSACTION_MAX_TIMEOUT_MS = 60_000


def server_properties(log_dir: str, port: int, controller_port: int) -> str:
    """The file's text. One node cannot replicate, so every replication factor and in-sync minimum is 1."""
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        # The voters are named here and not kept in the data: the controller's port may change from start to start.
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dir,
        # A topic that springs up by itself has the wrong number of partitions, and nothing says so.
        "auto.create.topics.enable": "false",
        # A group of one machine is complete at once; the default waits 3 s for more members.
        "group.initial.rebalance.delay.ms": 0,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
        "transaction.max.timeout.ms": TRANSACTION_MAX_TIMEOUT_MS,
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": INTERNAL_PARTITIONS,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": INTERNAL_PARTITIONS,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": INTERNAL_PARTITIONS,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())
