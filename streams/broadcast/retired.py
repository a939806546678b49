"""Texts that have worn off: what fatigue has retired, segment by segment."""

from inference.generate.denied import text_key
from schemas.retirements import Retirement


class Retired:
    """Retired texts by their words (`text_key`) and segment. Nothing comes back, so it only grows."""

    def __init__(self) -> None:
        self._texts: dict[str, set[str]] = {}
        self._changed: set[tuple[str, str]] = set()

    def take(self, retirement: Retirement) -> None:
        """Take a record of the topic; the same once more changes nothing."""
        text, held = text_key(retirement.slot_text), self._texts.setdefault(retirement.segment, set())
        if text not in held:
            held.add(text)
            self._changed.add((text, retirement.segment))

    def bars(self, slot_text: str, segment: str) -> bool:
        """Whether a text is shown no more in a segment."""
        held = self._texts.get(segment)
        return bool(held) and text_key(slot_text) in (held or ())

    def count(self, segment: str) -> int:
        """How many texts are retired in a segment."""
        return len(self._texts.get(segment, ()))

    def take_changed(self) -> frozenset[tuple[str, str]]:
        """Texts and segments of the retirements since the last call."""
        changed, self._changed = frozenset(self._changed), set()
        return changed
