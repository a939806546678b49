"""How many partitions the embedded broker's topics need so that nothing is evicted.

librdkafka's in-process cluster keeps at most 5 MB or 100,000 records of a partition and drops the oldest
without a word. A run that loses records must fail, so the demo plans for half of 4 MB, and checks at its end that
nothing is gone.
"""

import math
from collections.abc import Mapping

from schemas.errors import Code, ConfigError

CAP_BYTES = 4_000_000
CAP_RECORDS = 100_000
# Keys are not spread evenly: with Zipf-distributed shoppers the fullest partition holds up to twice the mean.
SKEW = 2.0
# More partitions cost a fetch session each; past this the run belongs on a real broker.
MAX_PARTITIONS = 128
# What one record takes, in bytes, uncompressed: measured on the demo's own records, rounded up.
RECORD_BYTES = {
    "events": 450,
    "decisions": 2_100,
    "copy_requests": 450,
    "copy": 800,
    "copy_review": 700,
    "partials": 330,
    "collect_state": 200,
    "metrics": 1_100,
    "dlq": 900,
}
# How many records an event of the input causes: the audience answers most decisions, some with more than one event; an
# answer changes four cells and a shopper. The embedded broker compacts nothing.
PER_EVENT = {"events": 2.3, "decisions": 1.15, "partials": 6.0, "collect_state": 7.0, "metrics": 4.0}


def embedded_partitions(events: int, largest_bytes: int, pool_keys: int) -> Mapping[str, int]:
    """Logical topic -> partitions for a run of `events` events (the largest of `largest_bytes`) and `pool_keys` texts.

    Raises ConfigError where the run is too large for this broker.
    """
    counts = {
        **{logical: math.ceil(events * factor) for logical, factor in PER_EVENT.items()},
        "copy_requests": pool_keys * 2,
        "copy": pool_keys * 2,
        "copy_review": pool_keys * 2,
        # One large record and some small ones may meet in a partition of the DLQ.
        "dlq": max(events // 20, 4 * largest_bytes // RECORD_BYTES["dlq"]),
    }
    partitions = {}
    for logical, count in counts.items():
        room = CAP_BYTES - (largest_bytes if logical in ("events", "dlq") else 0)
        by_bytes = SKEW * count * RECORD_BYTES[logical] / max(room, CAP_BYTES // 4)
        by_records = SKEW * count / CAP_RECORDS
        partitions[logical] = max(4, math.ceil(max(by_bytes, by_records)))
    # A partition of the one keeps the state of the other's.
    same = max(partitions["events"], partitions["collect_state"])
    # What an event adds to sketches is a twentieth of what it adds to the state.
    partitions["events"] = partitions["collect_state"] = partitions["sketches"] = same
    widest = max(partitions.values())
    if widest > MAX_PARTITIONS:
        raise ConfigError(
            Code.BROKER_UNSUITABLE,
            f"{events} events are more than the embedded broker can keep",
            where="--broker embedded",
            hint="use --broker local (make demo BROKER=local), fewer --seconds or a lower --rate",
        )
    return partitions
