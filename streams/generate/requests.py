"""Which requests are worth writing for: the rest are counted and dropped."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from inference.decide.facts import Facts
from schemas.copy import CopyRequest
from schemas.decode import Rejection
from schemas.errors import Code
from streams.generate.entries import Entries
from streams.kafka.records import Record

_decoder = msgspec.json.Decoder(CopyRequest)


class Sifted(Struct, frozen=True):
    """Requests to write for, those that are answered with fewer texts than are wanted, records to set aside, and how
    many went which way.
    """

    wanted: list[tuple[CopyRequest, Facts]]
    short: list[CopyRequest]
    rejected: list[tuple[Record, Rejection]]
    outcomes: Counter[str]


def sift(
    records: Sequence[Record],
    catalogue: Mapping[str, Facts],
    pool: Entries,
    now_ms: int,
    expire_ms: int,
    candidates: int,
) -> Sifted:
    """Drop what is expired, answered, waiting for a person, asked for twice or about no product.

    Age is judged by Kafka's timestamp. `candidates` texts are wanted for a key.
    """
    outcomes: Counter[str] = Counter()
    wanted: dict[object, tuple[CopyRequest, Facts]] = {}
    short: dict[object, CopyRequest] = {}
    rejected: list[tuple[Record, Rejection]] = []
    for record in records:
        try:
            request = _decoder.decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            rejected.append((record, Rejection(Code.UNDECODABLE, "", str(error))))
            continue
        facts = catalogue.get(request.product_id)
        key = request.key()
        place = (request.product_id, request.segment, request.variant)
        if now_ms - record.timestamp_ms > expire_ms:
            outcomes["expired"] += 1
        elif facts is None:
            outcomes["product_unknown"] += 1
        elif any(text.slots <= facts.slots for text in pool.texts.get(place, ())):
            outcomes["answered"] += 1
            entry = pool.entry(key)
            if entry is not None and len(entry.candidates) < candidates:
                short[key] = request
        elif pool.waits(key):
            outcomes["in_review"] += 1
        elif key in wanted:
            outcomes["coalesced"] += 1
        else:
            wanted[key] = (request, facts)
    outcomes["dlq"] = len(rejected)
    return Sifted(list(wanted.values()), list(short.values()), rejected, outcomes)
