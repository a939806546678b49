"""The pool's texts, as its topic has them: one follower for all that the policy writer asks of them."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from schemas.token import code_of
from streams.kafka.records import Record


class _Text(Struct, frozen=True):
    copy_id: str
    slot_text: str


class _Entry(Struct, frozen=True):
    candidates: tuple[_Text, ...]


_entry = msgspec.json.Decoder(_Entry)


class PoolTexts:
    """Every text of the pool, shown or not and of any bundle, by its code. A text that left the pool is gone."""

    def __init__(self) -> None:
        self._keys: dict[bytes, tuple[_Text, ...]] = {}
        self.skipped = 0
        self.version = 0
        """Counts the records that came."""

    def take(self, record: Record) -> None:
        """Apply a record of `patter.copy.v1`; one that does not decode is skipped."""
        self.version += 1
        key = record.key or b""
        if not record.value:
            self._keys.pop(key, None)
            return
        try:
            self._keys[key] = _entry.decode(record.value).candidates
        except msgspec.MsgspecError:
            self.skipped += 1

    def entries(self) -> Iterator[tuple[bytes, tuple[_Text, ...]]]:
        """By the entries' keys as they stand on the topic."""
        return iter(self._keys.items())

    def by_code(self) -> dict[int, str]:
        """Slot texts. A code that two copy_ids share says of neither what it did: it is left out."""
        ids = {text.copy_id: text.slot_text for held in self._keys.values() for text in held}
        found: dict[int, str] = {}
        shared: set[int] = set()
        for copy_id, slot_text in ids.items():
            code = code_of(copy_id)
            if code in found:
                shared.add(code)
            found[code] = slot_text
        return {code: text for code, text in found.items() if code not in shared}
