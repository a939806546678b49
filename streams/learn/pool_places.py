"""Which texts stand in the pool for which segment, and in how many entries: what can be retired."""

from collections import defaultdict
from contextlib import suppress

from msgspec import Struct

from schemas.copy import CopyKey
from schemas.token import code_of
from streams.learn.text_days import Place
from streams.learn.texts import PoolTexts


class Standing(Struct, frozen=True):
    """A text of the pool in a segment; `entries` hold it."""

    copy_id: str
    slot_text: str
    segment: str
    entries: int


def standing(pool: PoolTexts) -> dict[Place, Standing]:
    """Every text and segment by their codes, of any channel, locale and bundle. A code that two texts or segments share
    says of neither what it did: it is left out.
    """
    entries: defaultdict[tuple[str, str], int] = defaultdict(int)
    words: dict[str, str] = {}
    for key, texts in pool.entries():
        # A key that is none is of no segment.
        with suppress(ValueError):
            segment = CopyKey.parse(key.decode()).segment
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
