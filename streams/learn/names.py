"""Names behind the codes in cells, as `patter.codes.v1` tells them."""

from collections.abc import Iterable

import msgspec

from schemas.cells import OTHER
from schemas.token import NO_CODE, CodeName
from streams.kafka.records import Record

_code = msgspec.json.Decoder(CodeName)
OTHER_NAME = "other"


class Names:
    """Codes with their names. A code that no record has named yet is its 8 hex digits."""

    def __init__(self) -> None:
        self._names = {NO_CODE: "", OTHER: OTHER_NAME}

    def take(self, records: Iterable[Record]) -> set[int]:
        """Learn names; answers the codes that had none. A record that does not decode is skipped."""
        fresh = set()
        for record in records:
            try:
                entry = _code.decode(record.value or b"")
            except msgspec.MsgspecError:
                continue
            if entry.code not in self._names:
                self._names[entry.code] = entry.name
                fresh.add(entry.code)
        return fresh

    def of(self, code: int) -> str:
        """The name, or the code in hex."""
        return self._names.get(code, f"{code:08x}")

    def lacking(self, codes: Iterable[int]) -> set[int]:
        """Those that have no name yet."""
        return {code for code in codes if code not in self._names}
