"""The world of one decision, put together from its record: product, features, texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from inference.decide.assign import CONTROL
from inference.decide.facts import Facts, facts_of
from inference.generate.copyset import copy_id
from patter.replay.inputs import Inputs
from schemas.catalog import Product
from schemas.errors import Code
from schemas.ports import FeatureValue, ViewRow
from streams.broadcast.pool import Pool, Text, text_of
from streams.serve.setup import ServeSetup

Views = tuple[tuple[str, str], ...]
"""(view, join key), as `FeatureReader.views` has them."""

# Spellings of products that are remembered, some 5 KB each.
MEMO_ENTRIES = 20_000
_NOTHING = b"{}"
_NO_ROW = msgspec.Raw(_NOTHING)
_product = msgspec.json.Decoder(Product).decode
_values = msgspec.json.Decoder(dict[str, Any]).decode


class Products:
    """Products as records tell of them, made ready once for each spelling."""

    def __init__(self) -> None:
        self._known: dict[bytes, dict[str, Facts]] = {}

    def catalogue(self, inputs: Inputs) -> dict[str, Facts] | None:
        """The catalogue as far as the decision saw it: the product by its id, or nothing. None where it is none."""
        spelled = bytes(inputs.catalogue)
        found = self._known.get(spelled)
        if found is None:
            try:
                facts = None if spelled == _NOTHING else facts_of(_product(spelled))
            except msgspec.MsgspecError:
                return None
            if len(self._known) >= MEMO_ENTRIES:
                self._known.clear()
            found = self._known[spelled] = {} if facts is None else {facts.product.product_id: facts}
        return found


class RecordedReader:
    """Features as the record has them, in the place of the store."""

    def __init__(self, views: Views) -> None:
        self.views: Sequence[tuple[str, str]] = views
        self._rows: dict[str, ViewRow] = {}

    def hold(self, inputs: Inputs) -> dict[str, Mapping[str, FeatureValue] | None]:
        """Answer with these from now on. The values of each view, None where nothing was known."""
        self._rows = {view: recorded_row(inputs, view) for view, _ in self.views}
        return {view: row.values for view, row in self._rows.items()}

    def read(self, keys: Mapping[str, Sequence[str]], _now_ms: int) -> dict[str, dict[str, ViewRow]]:
        """See FeatureReader; every id has the row of the record."""
        return {view: dict.fromkeys(keys[key], self._rows[view]) for view, key in self.views}

    def stats(self) -> Mapping[str, float]:
        """Nothing is counted."""
        return {}

    def close(self) -> None:
        """Nothing is open."""


def recorded_row(inputs: Inputs, view: str) -> ViewRow:
    """The row of a view as the record has it; `missing` where it has none."""
    spelled = bytes(inputs.features.get(view, _NO_ROW))
    state = inputs.feature_states.get(view, "missing")
    values = _values(spelled) if state in ("fresh", "stale") else None
    return ViewRow(state, values, inputs.feature_times_ms.get(view) or 0, spelled)


class Texts:
    """The pool as decisions found it, put together from their records.

    The text that was shown is the record's. Of others a record says whether they could be drawn, and if not, why: for
    each stands one of which the same is true, if another record has shown one, then that.
    """

    def __init__(self, setup: ServeSetup) -> None:
        self._setup = setup
        self._stands: dict[tuple[str, str], tuple[object, ...]] = {}
        self._last = ("", "")
        self.pool = Pool(setup.channel, setup.locale, "")

    def stand(self, inputs: Inputs, segment: str, stamp: object, facts: object) -> bool:
        """Make the texts of the record's product and `segment` as it found them. Whether anything is another than it
        was for the last record of the two: these, the `stamp` or the `facts`.
        """
        self._last = place = (inputs.product_id, segment)
        stands = self._stands.get(place)
        if not inputs.eligible and stands is not None and stands[:2] == (stamp, facts):
            # Nothing was looked up.
            return False
        wanted = (stamp, facts, frozenset(inputs.eligible), inputs.ineligible)
        if stands == wanted:
            return self._draw(inputs, place)
        if len(self._stands) >= MEMO_ENTRIES:
            self._stands.clear()
            self.pool.texts.clear()
        self._stands[place] = wanted
        for recipe in self._setup.experiment.recipes:
            arm = recipe.name
            self.pool.texts[*place, arm] = _ANY if arm in inputs.eligible else _refused(inputs.ineligible.get(arm))
        self._draw(inputs, place)
        return True

    def forget(self) -> None:
        """Nothing that the last record said is to be taken for true: the next is to make its texts anew."""
        self._stands.pop(self._last, None)

    def _draw(self, inputs: Inputs, place: tuple[str, str]) -> bool:
        """Put the text of the arm that was drawn. Whether it is another than it was."""
        arm = inputs.arm
        if arm is None or arm == CONTROL or arm not in inputs.eligible:
            return False
        texts = self.pool.texts
        before = texts[*place, arm]
        after = _drawn(inputs, before, self._setup.max_chars)
        texts[*place, arm] = after
        return after != before


def _refused(why: str | None) -> tuple[Text, ...]:
    if why == Code.SLOT_UNFILLED:
        return (_UNFILLED,)
    return (_PRICED,) if why == Code.PRICE_BEHIND else ()


def _drawn(inputs: Inputs, before: tuple[Text, ...], max_chars: int) -> tuple[Text, ...]:
    if inputs.slot_text is not None and inputs.shown == inputs.arm and inputs.bundle_sha256 is not None:
        wanted = (inputs.slot_text, inputs.bundle_sha256, inputs.prompt_id)
        if [(text.slot_text, text.bundle_sha256, text.prompt_id) for text in before] == [wanted]:
            return before
        return (text_of(copy_id(inputs.bundle_sha256, inputs.slot_text), *wanted),)
    if inputs.taken() == Code.TEXT_TOO_LONG:
        return (text_of("", "x" * (max_chars + 1), None, None),)
    return (_UNSHOWABLE,) if inputs.taken() else _ANY


_ANY = (text_of("", "", None, None),)
_PRICED = text_of("", "{PRICE}", None, None)
# No fact has this name.
_UNFILLED = text_of("", "{NEVER}", None, None)
_UNSHOWABLE = msgspec.structs.replace(_UNFILLED, slots=frozenset())
