"""collect's state as records: what a batch changed, and a source made of them again.

A key begins with the source, so that what an earlier life of the input log left behind is nobody's. The last record of
a batch says how far it counts; in a transaction the others cannot be seen without it.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from features.aggregates.records import NOWHERE, Gathering
from schemas.agents import RULES_KIND, RulesSpan
from schemas.cells import ArmCell
from schemas.trial_groups import TRIALS_KIND, TrialsSpan
from streams.collect.counts import Place
from streams.collect.source import Source

K = TypeVar("K")
V = TypeVar("V")
SHOPPER, ORDER, CELL, ARM, TEXT, PAIR, SUMS, META = "s", "o", "c", "k", "t", "p", "n", "m"


class Meta(Struct, array_like=True, frozen=True):
    """How far a source is counted, and its total; from where on its reach is counted (NOWHERE: by a version that knew
    none), and how far the sketches go that were written with it.
    """

    through: int
    high_ms: int
    total: dict[str, int]
    since: int = NOWHERE
    sketched: int = NOWHERE


_encode = msgspec.msgpack.Encoder().encode
_meta = msgspec.msgpack.Decoder(Meta)
_arm = msgspec.msgpack.Decoder(ArmCell)
_span = msgspec.json.Decoder(RulesSpan)
_trials = msgspec.json.Decoder(TrialsSpan)
_counters = msgspec.msgpack.Decoder(list[int])
_sums = msgspec.msgpack.Decoder(list[str])

Change = tuple[bytes, bytes | None]
"""Key and value of a state record; no value removes the key."""


def changes(source: Source, gone: Sequence[Place]) -> Iterator[Change]:
    """What the source changed since it was last settled, `gone` being cells that expired. The meta record is last."""
    counts = source.counts
    for user_id in source.touched:
        yield _key(source, SHOPPER, user_id), source.shoppers.get(user_id)
    for order_id in source.ordered:
        yield _key(source, ORDER, order_id), source.orders.get(order_id)
    for kind, numbered in ((ARM, counts.arms), (TEXT, counts.copies), (PAIR, counts.sums.pairs)):
        for number, cell in numbered.fresh():
            yield _key(source, kind, str(number)), _encode(cell)
    for number in range(len(source.spans) - source.fresh_spans, len(source.spans)):
        yield _key(source, RULES_KIND, str(number)), msgspec.json.encode(source.spans[number])
    for number in range(len(source.trials) - source.fresh_trials, len(source.trials)):
        yield _key(source, TRIALS_KIND, str(number)), msgspec.json.encode(source.trials[number])
    for place in counts.changed:
        yield _key(source, CELL, _written(place)), _encode(counts.raw(place))
    for pair in counts.sums.changed:
        yield _key(source, SUMS, str(pair)), _encode(counts.sums.written(pair))
    for place in gone:
        yield _key(source, CELL, _written(place)), None
    total = {name: count for name, count in counts.total.items() if count}
    reach = source.reached.written
    meta = Meta(source.through, counts.high_ms, total, reach.since, reach.through)
    yield _key(source, META, ""), _encode(meta)


class Restoring:
    """Makes a source of its records, in whichever order they come; `finish` puts it together.

    `lacks_sketches` tells after that whether some of the sketches that were written are not among the records.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.lacks_sketches = False
        self._prefix = f"{source.name}|".encode()
        self._numbered: dict[str, dict[int, ArmCell]] = {ARM: {}, TEXT: {}, PAIR: {}}
        self._cells: dict[Place, list[int]] = {}
        self._spans: dict[int, RulesSpan] = {}
        self._trials: dict[int, TrialsSpan] = {}
        self._sums: dict[int, list[str]] = {}
        self._meta: Meta | None = None
        self._reach = Gathering(source.name)

    def put(self, key: bytes | None, value: bytes | None) -> None:
        """A record of the state topic, or of sketches. Newer ones of a key come later."""
        if key is None or not key.startswith(self._prefix):
            return
        rest = key[len(self._prefix) :].decode()
        kind, _, name = rest.partition("|")
        source = self._source
        if kind == SHOPPER:
            _set(source.shoppers, name, value)
        elif kind == ORDER:
            _set(source.orders, name, value)
        elif kind == CELL:
            which, start, arm = map(int, name.split(":"))
            _set(self._cells, (which, start, arm), None if value is None else _counters.decode(value))
        elif kind == SUMS and value is not None:
            self._sums[int(name)] = _sums.decode(value)
        elif kind in self._numbered and value is not None:
            self._numbered[kind][int(name)] = _arm.decode(value)
        elif kind == RULES_KIND and value is not None:
            self._spans[int(name)] = _span.decode(value)
        elif kind == TRIALS_KIND and value is not None:
            self._trials[int(name)] = _trials.decode(value)
        elif kind == META and value is not None:
            self._meta = _meta.decode(value)
        elif self._reach.is_of(rest):
            self._reach.put(rest, value)

    def finish(self) -> Source:
        """The source. Raises ValueError where an arm, copy cell or pair is missing."""
        source, meta = self._source, self._meta
        if meta is None:
            return source
        source.through, source.counts.high_ms = meta.through, meta.high_ms
        source.counts.total.update(meta.total)
        counts = source.counts
        for kind, numbered in ((ARM, counts.arms), (TEXT, counts.copies), (PAIR, counts.sums.pairs)):
            for number, cell in sorted(self._numbered[kind].items()):
                numbered.restore(number, cell)
        for place, counters in self._cells.items():
            counts.restore(place, counters)
        for pair, written in self._sums.items():
            counts.sums.restore(pair, written)
        source.spans = [self._spans[number] for number in sorted(self._spans)]
        source.trials = [self._trials[number] for number in sorted(self._trials)]
        self._finish_reach(meta)
        source.settle()
        return source

    def _finish_reach(self, meta: Meta) -> None:
        found = self._reach.finish()
        if found is not None and found.through >= meta.sketched:
            self._source.reached.written = found
        else:
            # By a version that knew none, or lost: what is counted from here on is right, and says from where on.
            self.lacks_sketches = meta.sketched != NOWHERE
            lost = self.lacks_sketches or meta.since == NOWHERE
            self._source.reached.written.since = meta.through + 1 if lost else meta.since


def _set(table: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _key(source: Source, kind: str, name: str) -> bytes:
    return f"{source.name}|{kind}|{name}".encode()


def _written(place: Place) -> str:
    return ":".join(map(str, place))
