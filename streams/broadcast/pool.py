"""The pool as serve holds it: for each key the texts that may be shown now, ready to render."""

from collections.abc import Iterator

from msgspec import Struct

from inference.decide.facts import PRICE_SLOTS
from inference.generate.render import Parts, compile_text, slots_in
from schemas.copy import CopyKey, PoolEntry


class Text(Struct, frozen=True, gc=False):
    """One text, compiled. `priced` where it holds a slot that goes stale with the catalogue."""

    copy_id: str
    slot_text: str
    parts: Parts
    slots: frozenset[str]
    priced: bool
    bundle_sha256: str | None
    prompt_id: str | None


def text_of(copy_id: str, slot_text: str, bundle_sha256: str | None, prompt_id: str | None) -> Text:
    """Compile a text with slots."""
    slots = slots_in(slot_text)
    return Text(copy_id, slot_text, compile_text(slot_text), slots, bool(slots & PRICE_SLOTS), bundle_sha256, prompt_id)


class Pool:
    """Active texts by (product, segment, variant), of one channel, locale and bundle.

    Copy of another bundle is no hit: a new bundle's texts replace it one by one as they are missed.
    """

    def __init__(self, channel: str, locale: str, bundle_sha256: str) -> None:
        self._channel, self._locale, self._bundle = channel, locale, bundle_sha256
        self.texts: dict[tuple[str, str, str], tuple[Text, ...]] = {}
        self._changed: set[str] = set()
        self._variants: set[str] = set()

    def apply(self, key: CopyKey, entry: PoolEntry | None) -> None:
        """Take a record of `patter.copy.v1`; None removes the key."""
        if key.channel != self._channel or key.locale != self._locale:
            return
        self._changed.add(key.product_id)
        texts = tuple(
            text_of(candidate.copy_id, candidate.slot_text, candidate.bundle_sha256, candidate.prompt_id)
            for candidate in (entry.candidates if entry else ())
            if candidate.state == "active" and candidate.bundle_sha256 == self._bundle
        )
        place = (key.product_id, key.segment, key.variant)
        if texts:
            self._variants.add(key.variant)
            self.texts[place] = texts
        else:
            self.texts.pop(place, None)

    def siblings(self, key: CopyKey) -> Iterator[Text]:
        """The texts for the same product and segment under the other variants."""
        for variant in sorted(self._variants - {key.variant}):
            yield from self.texts.get((key.product_id, key.segment, variant), ())

    def take_changed(self) -> set[str]:
        """The products whose texts have changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed
