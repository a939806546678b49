"""Topics that collect writes, in memory: what is committed of them, and what a reader finds there."""

from collections.abc import Mapping, Sequence

import msgspec

from features.aggregates.records import Gathering, Written
from patter.verify.rules import OnlineSource
from schemas.agents import RULES_KIND, RulesSpan
from schemas.partials import Partial, Progress
from streams.kafka.records import Out


class Silent:
    """Metrics that nobody reads."""

    def add(self, name: str, value: float = 1.0, **labels: str) -> None: ...
    def set(self, name: str, value: float, **labels: str) -> None: ...
    def observe(self, name: str, value: float, **labels: str) -> None: ...


class Topics:
    """What is committed of the state, sketches and partials topics: the newest record of each key."""

    def __init__(self) -> None:
        self.state: dict[int, dict[bytes, bytes]] = {0: {}, 1: {}}
        self.partials: dict[bytes, tuple[int, bytes]] = {}
        self.positions = {0: 0, 1: 0}

    def commit(self, outs: Sequence[Out], positions: Mapping[int, int]) -> None:
        for out in outs:
            assert out.key is not None
            if out.topic in ("state", "sketches"):
                table = self.state[out.partition]
                table.pop(out.key, None)
                if out.value is not None:
                    table[out.key] = out.value
            elif out.value is None:
                self.partials.pop(out.key, None)
            else:
                self.partials[out.key] = out.partition, out.value
        self.positions.update(positions)

    def restore(self, partition: int) -> list[Out]:
        return [Out("state", key, value) for key, value in self.state[partition].items()]

    def online(self, incarnation: str) -> dict[int, OnlineSource]:
        """By partition, what one life of the input log has in partials, as verify reads it."""
        found: dict[int, OnlineSource] = {}
        entries = {key: msgspec.json.decode(value) for key, (_, value) in self.partials.items()}
        for key, entry in entries.items():
            if not key.startswith(f"progress|{incarnation}:".encode()):
                continue
            progress = msgspec.convert(entry, Progress)
            cells = {}
            for name, other in entries.items():
                if name.startswith(f"{progress.source}|".encode()):
                    partial = msgspec.convert(other, Partial)
                    cells[partial.cell] = partial.through, partial.counters
            number = int(progress.source.partition(":")[2])
            found[number] = OnlineSource(
                cells=cells,
                through=progress.through,
                high_ms=progress.high_ms,
                reach=self._reach(progress.source, number),
            )
        return found

    def _reach(self, source: str, partition: int) -> Written:
        gathering = Gathering(source)
        for key, value in self.state[partition].items():
            name, _, rest = key.decode().partition("|")
            if name == source and gathering.is_of(rest):
                gathering.put(rest, value)
        return gathering.finish() or Written(source)

    def spans(self, incarnation: str, partition: int) -> tuple[RulesSpan, ...]:
        """The rules that a source was counted under."""
        prefix = f"{incarnation}:{partition}|{RULES_KIND}|".encode()
        found = {
            int(key[len(prefix) :]): msgspec.json.decode(value, type=RulesSpan)
            for key, value in self.state[partition].items()
            if key.startswith(prefix)
        }
        return tuple(found[number] for number in sorted(found))
