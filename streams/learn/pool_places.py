"""Which texts stand in the pool for which segment, and in how many entries: what can be retired."""

from collections import defaultdict

import msgspec
from msgspec import Struct

from schemas.copy import CopyKey
from schemas.token import code_of
from streams.kafka.records import Record
from streams.learn.text_days import Place


class _Text(Struct, frozen=True):
    copy_id: str
    slot_text: str


class _Entry(Struct, frozen=True):
    candidates: tuple[_Text, ...]


class Standing(Struct, frozen=True):
    """A text of the pool in a segment; `entries` hold it."""

    copy_id: str
    slot_text: str
    segment: str
    entries: int


_entry = msgspec.json.Decoder(_Entry)


class PoolPlaces:
    """Every entry of the pool, of any channel, locale and bundle."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[str, tuple[_Text, ...]]] = {}
        self.skipped = 0

    def take(self, record: Record) -> None:
        """Apply a record of `patter.copy.v1`; one that does not decode is skipped."""
        key = record.key or b""
        if not record.value:
            self._entries.pop(key, None)
            return
        try:
            segment = CopyKey.parse(key.decode()).segment
            self._entries[key] = (segment, _entry.decode(record.value).candidates)
        except (msgspec.MsgspecError, ValueError):
            self.skipped += 1

    def standing(self) -> dict[Place, Standing]:
        """Every text and segment by their codes. A code that two texts or segments share says of neither what it did:
        it is left out.
        """
        entries: defaultdict[tuple[str, str], int] = defaultdict(int)
        words: dict[str, str] = {}
        for segment, texts in self._entries.values():
            for text in texts:
                entries[segment, text.copy_id] += 1
                words[text.copy_id] = text.slot_text
        segments = {segment for segment, _ in entries}
        shared = _shared(words) | _shared(segments)
        return {
            Place(code_of(segment), code_of(copy_id)): Standing(copy_id, words[copy_id], segment, count)
            for (segment, copy_id), count in entries.items()
            if not {code_of(segment), code_of(copy_id)} & shared
        }


def _shared(names: "dict[str, str] | set[str]") -> set[int]:
    """Codes that more than one of these names have."""
    seen: set[int] = set()
    found: set[int] = set()
    for name in names:
        code = code_of(name)
        (found if code in seen else seen).add(code)
    return found
