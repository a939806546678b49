"""What a replay of decisions came to, and how it is told."""

from collections import Counter

import msgspec
from msgspec import Struct

from inference.decide.replay import MEANING, Why
from patter.replay.again import Judged
from streams.kafka.dump_lines import DumpRecord

# Whoever looks for a fault needs the first few; with wrong settings every record differs.
MOST_TOLD = 1_000
EQUAL, DIFFERS, INCONCLUSIVE = 0, 1, 4


class Told(Struct, frozen=True, kw_only=True):
    """One member that differs in one record. `place` is topic/partition/offset of the record."""

    place: str
    decision_id: str | None
    field: str
    recorded: object
    replayed: object


class Untold(Struct, frozen=True, kw_only=True):
    """One record that could not be decided again."""

    place: str
    decision_id: str | None
    why: Why


class ReplayResult:
    """Filled record by record. `keys` are the ids of the token keys that were at hand, `versions` the number of
    versions of experiments, None where nothing is known of experiments.
    """

    def __init__(self, keys: list[int], versions: int | None = None) -> None:
        self.keys, self.versions = keys, versions
        self.decisions = self.replayed = self.differing = self.unverified = 0
        self.by_field: Counter[str] = Counter()
        self.not_replayed: Counter[Why] = Counter()
        self.taken: Counter[str] = Counter()
        self.by_mode: Counter[str] = Counter()
        self.apart = self.most_apart_ms = 0
        self.differences: list[Told] = []
        self.unreplayed: list[Untold] = []
        self.offsets: dict[str, dict[int, tuple[int, int]]] = {}

    def add(self, record: DumpRecord, judged: Judged) -> None:
        """One record of the topic and what was found of it."""
        self.decisions += 1
        stretch = self.offsets.setdefault(record.topic, {})
        first, end = stretch.get(record.partition, (record.offset, record.offset))
        stretch[record.partition] = (min(first, record.offset), max(end, record.offset + 1))
        place = f"{record.topic}/{record.partition}/{record.offset}"
        if judged.why is not None:
            self.not_replayed[judged.why] += 1
            if len(self.unreplayed) < MOST_TOLD:
                self.unreplayed.append(Untold(place=place, decision_id=judged.decision_id, why=judged.why))
            return
        self.replayed += 1
        self.differing += bool(judged.differences)
        self.unverified += not judged.verified
        self.by_mode[judged.mode] += 1
        self.apart += judged.apart_ms > 0
        self.most_apart_ms = max(self.most_apart_ms, judged.apart_ms)
        if judged.taken is not None:
            self.taken[judged.taken] += 1
        for each in judged.differences:
            self.by_field[each.field] += 1
            if len(self.differences) < MOST_TOLD:
                self.differences.append(
                    Told(
                        place=place,
                        decision_id=judged.decision_id,
                        field=each.field,
                        recorded=each.recorded,
                        replayed=each.replayed,
                    )
                )

    @property
    def exit_code(self) -> int:
        """0 nothing differs, 1 something does, 4 nothing could be decided again."""
        if self.differing:
            return DIFFERS
        return EQUAL if self.replayed else INCONCLUSIVE

    def failures(self) -> list[str]:
        """What does not hold, a line each."""
        if self.differing:
            return [f"{self.differing} of {self.replayed} decisions differ"]
        return [] if self.replayed else [f"none of {self.decisions} decisions could be decided again"]

    def members(self) -> dict[str, object]:
        """As it stands in a result; at most 1,000 differences and 1,000 places of what could not be replayed."""
        return {
            "decisions": self.decisions,
            "replayed": self.replayed,
            "differing": self.differing,
            "by_field": dict(sorted(self.by_field.items())),
            "not_replayed": {why.value: number for why, number in sorted(self.not_replayed.items())},
            "taken_as_recorded": dict(sorted(self.taken.items())),
            "experiments": {
                "versions": self.versions,
                "decisions_by_mode": dict(sorted(self.by_mode.items())),
                "at_another_moment": self.apart,
                "farthest_ms": self.most_apart_ms,
            },
            "token_keys": self.keys,
            "tokens_unverified": self.unverified,
            "offsets": self.offsets,
            "differences": [msgspec.to_builtins(each) for each in self.differences],
            "unreplayed": [msgspec.to_builtins(each) for each in self.unreplayed],
        }

    def lines(self, most: int) -> list[str]:
        """For a person: what was found, and the first places of each kind."""
        told = [f"{self.decisions} decisions, {self.replayed} replayed, {self.differing} differing"]
        told += [f"  {field}: {number}" for field, number in self.by_field.most_common()]
        told += [
            f"  {each.place} {each.field}: recorded {each.recorded!r}, replayed {each.replayed!r}"
            for each in self.differences[:most]
        ]
        for why, number in self.not_replayed.most_common():
            first = next((f", the first {each.place}" for each in self.unreplayed if each.why is why), "")
            told.append(f"  not replayed {why.value}: {number} ({MEANING[why]}{first})")
        told += [f"  taken as recorded: {code} {number}" for code, number in sorted(self.taken.items())]
        if self.by_mode.keys() - {"settings"}:
            told.append("  " + ", ".join(f"{mode} {number}" for mode, number in sorted(self.by_mode.items())))
        if self.apart:
            what = "by experiments that ran just before or after their time"
            told.append(f"  {self.apart} {what}, the farthest {self.most_apart_ms} ms away")
        if self.versions is None:
            told.append("  no experiments are at hand: that shoppers were in none was taken as recorded")
        if self.unverified:
            told.append(f"  the keys of {self.unverified} tokens are not at hand: only what they say was compared")
        return told
