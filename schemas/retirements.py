"""What fatigue retires, on the wire: a text that is shown no more in one segment, with the figures that say why."""

from typing import Literal

from msgspec import Struct

from schemas.ids import Name


class Retirement(Struct, frozen=True, kw_only=True):
    """One text is shown to one segment no more, and does not come back there. Key of the record: copy_id|segment.

    It holds for the text's words, whichever model writes them. `figures` are the test's; `entries` of the pool held the
    text. `time_ms`, `by` and `why` are the audit; the day of `time_ms` (UTC) is the one whose budget it took.
    """

    copy_id: str
    segment: Name
    slot_text: str
    reason: Literal["decline", "familiar"]
    figures: dict[str, float]
    entries: int
    time_ms: int
    by: str
    why: str

    def key(self) -> str:
        return f"{self.copy_id}|{self.segment}"
