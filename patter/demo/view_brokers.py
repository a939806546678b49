"""What a broker does not do, said on the screen, so that nobody takes a demo for a proof."""

_LIMITS = {
    "embedded": (
        "The embedded broker lives in one process: it does not isolate transactions, keep offsets sent in one, compact,"
        " or keep more than about 5 MB of a partition. Delivery is at least once here; nothing about exactly-once or"
        " recovery is shown by this run. `make demo BROKER=local` runs on a real Kafka."
    ),
    "local": "The local broker is a real Kafka of one node: it does not replicate.",
}


def limits(kind: str) -> str:
    """One or two sentences; empty for a broker that Patter did not start."""
    return _LIMITS.get(kind, "")
