"""What holds for copy besides the model: people's rulings on texts, the creativity of each category, and what fatigue
has retired.
"""

from collections.abc import Iterator

from msgspec import Struct

from inference.generate.denied import text_key
from schemas.copy import CopyKey
from schemas.curation import EVERYWHERE, CopyRuling, Creativity
from streams.broadcast.retired import Retired


class Changed(Struct, frozen=True):
    """What was said since one last looked: by category, by text (`text_key`), by key, and by text and segment."""

    categories: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    keys: frozenset[CopyKey] = frozenset()
    retired: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.categories or self.texts or self.keys or self.retired)


class Curation:
    """Rulings by copy_id, and lambda by category: the newest record on each holds. `retired` are texts by segment."""

    def __init__(self) -> None:
        self.retired = Retired()
        self._rulings: dict[str, CopyRuling] = {}
        self._by_key: dict[CopyKey, dict[str, CopyRuling]] = {}
        self._denied: dict[str, set[str]] = {}
        self._creativity: dict[str, float] = {}
        self._categories: set[str] = set()
        self._texts: set[str] = set()
        self._keys: set[CopyKey] = set()

    def rule(self, ruling: CopyRuling) -> None:
        """Take a person's word on a text."""
        text = text_key(ruling.slot_text)
        holders = self._denied.setdefault(text, set())
        (holders.add if ruling.ruling == "rejected" else holders.discard)(ruling.copy_id)
        if not holders:
            del self._denied[text]
        self._rulings[ruling.copy_id] = ruling
        self._by_key.setdefault(ruling.key(), {})[ruling.copy_id] = ruling
        self._texts.add(text)
        self._keys.add(ruling.key())

    def weigh(self, wanted: Creativity) -> None:
        """Take a category's lambda."""
        if wanted.creativity is None:
            self._creativity.pop(wanted.category, None)
        else:
            self._creativity[wanted.category] = wanted.creativity
        self._categories.add(wanted.category)

    def creativity(self, category: str, usual: float) -> float:
        """lambda for a category: its own, that of every category, or `usual`."""
        return self._creativity.get(category, self._creativity.get(EVERYWHERE, usual))

    def denies(self, slot_text: str) -> bool:
        """Whether a person has rejected this text, wherever it stood."""
        return bool(self._denied) and text_key(slot_text) in self._denied

    def bars(self, slot_text: str, segment: str) -> bool:
        """Whether this text may not be shown to a segment: a person has rejected it, or it is retired there."""
        return self.denies(slot_text) or self.retired.bars(slot_text, segment)

    def approves(self, copy_id: str) -> bool:
        """Whether a person has approved this text, under whichever key it came up."""
        ruling = self._rulings.get(copy_id)
        return ruling is not None and ruling.ruling == "approved"

    def approved(self, key: CopyKey) -> Iterator[CopyRuling]:
        """The approvals under a key."""
        return (each for each in self._by_key.get(key, {}).values() if each.ruling == "approved")

    def barred(self, key: CopyKey) -> int:
        """How many texts were rejected under a key, or are retired in its segment."""
        rejected = sum(each.ruling == "rejected" for each in self._by_key.get(key, {}).values())
        return rejected + self.retired.count(key.segment)

    def take_changed(self) -> Changed:
        """What has changed since the last call."""
        changed = Changed(
            frozenset(self._categories), frozenset(self._texts), frozenset(self._keys), self.retired.take_changed()
        )
        self._categories, self._texts, self._keys = set(), set(), set()
        return changed
