"""The world of one decision, put together from its record: product, features, texts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from inference.decide.facts import Facts, facts_of
from inference.experiment.assignment import Placement
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


class _Stands(Struct):
    """What is true of the texts of one product and segment: of each arm that a record has told of, DRAWABLE, SHOWABLE,
    or the code that says why it could not be drawn or shown.
    """

    stamp: object
    facts: object
    arms: dict[str, str]


class Texts:
    """The pool as decisions found it, put together from their records.

    The text that was shown is the record's. Of others a record says whether they could be drawn, and if not, why: for
    each stands one of which the same is true, if another record has shown one, then that.
    """

    def __init__(self, setup: ServeSetup) -> None:
        self._setup = setup
        self._stands: dict[tuple[str, str], _Stands] = {}
        self._last = ("", "")
        self.pool = Pool(setup.channel, setup.locale, "")

    def stand(self, inputs: Inputs, segment: str, stamp: object, facts: object, placement: Placement | None) -> bool:
        """Make the texts of the record's product and `segment` as it found them. Whether anything is another than it
        was for the last record of the two: these, the `stamp` or the `facts`.
        """
        self._last = place = (inputs.product_id, segment)
        texts, stands = self.pool.texts, self._stands.get(place)
        changed = stands is None or (stands.stamp, stands.facts) != (stamp, facts)
        if stands is None or changed:
            if len(self._stands) >= MEMO_ENTRIES:
                self._stands.clear()
                texts.clear()
            for arm in stands.arms if stands is not None else ():
                texts.pop((*place, arm), None)
            stands = self._stands[place] = _Stands(stamp, facts, {})
        for arm, told in self._told(inputs, placement):
            if not _agrees(stands.arms.get(arm), told):
                stands.arms[arm] = told
                texts[*place, arm] = self._stand_in(told)
                changed = True
        return self._draw(inputs, place, stands.arms) or changed

    def forget(self) -> None:
        """Nothing that the last record said is to be taken for true: the next is to make its texts anew."""
        stands = self._stands.pop(self._last, None)
        for arm in stands.arms if stands is not None else ():
            self.pool.texts.pop((*self._last, arm), None)

    def _told(self, inputs: Inputs, placement: Placement | None) -> Iterator[tuple[str, str]]:
        """What a record says of each arm whose texts it was decided by."""
        if not inputs.eligible and not inputs.ineligible:
            # Nothing was looked up.
            return
        mode = "settings" if placement is None else placement.experiment.mode
        taken = inputs.taken(mode)
        late = LATE_UNFILLED if taken == Code.SLOT_UNFILLED else taken
        if placement is None:
            arms = tuple(recipe.name for recipe in self._setup.experiment.recipes)
        else:
            arms = tuple(arm.name for arm in placement.experiment.arms[1:]) if mode != "aa" else ()
        for place, arm in enumerate(arms):
            if mode == "fixed":
                # One arm that cannot be shown keeps all of them from it, whichever it is.
                yield arm, inputs.ineligible.get(arm) or (late if late and place == 0 else SHOWABLE)
            elif arm not in inputs.eligible:
                yield arm, inputs.ineligible.get(arm, "")
            elif arm == inputs.arm:
                yield arm, late or SHOWABLE
            else:
                yield arm, DRAWABLE

    def _stand_in(self, told: str) -> tuple[Text, ...]:
        if told in (DRAWABLE, SHOWABLE):
            return _ANY
        if told == Code.TEXT_TOO_LONG:
            return (text_of("", "x" * (self._setup.max_chars + 1), None, None),)
        if told == LATE_UNFILLED:
            return (_UNSHOWABLE,)
        if told == Code.SLOT_UNFILLED:
            return (_UNFILLED,)
        return (_PRICED,) if told == Code.PRICE_BEHIND else ()

    def _draw(self, inputs: Inputs, place: tuple[str, str], arms: Mapping[str, str]) -> bool:
        """Put the text that was shown. Whether it is another than it was."""
        arm = inputs.arm
        if arm is None or arms.get(arm) != SHOWABLE or inputs.shown != arm:
            return False
        if inputs.slot_text is None or inputs.bundle_sha256 is None:
            return False
        texts = self.pool.texts
        wanted = (inputs.slot_text, inputs.bundle_sha256, inputs.prompt_id)
        if [(text.slot_text, text.bundle_sha256, text.prompt_id) for text in texts[*place, arm]] == [wanted]:
            return False
        texts[*place, arm] = (text_of(copy_id(inputs.bundle_sha256, inputs.slot_text), *wanted),)
        return True


def _agrees(held: str | None, told: str) -> bool:
    """Whether what is held of an arm is what a record tells of it: that it could be drawn holds for more."""
    return held == told or (told == DRAWABLE and held in (SHOWABLE, Code.TEXT_TOO_LONG, LATE_UNFILLED))


DRAWABLE, SHOWABLE = "drawable", "showable"
# Apart from a slot that was seen to be unfilled before the draw.
LATE_UNFILLED = "late:slot_unfilled"
_ANY = (text_of("", "", None, None),)
_PRICED = text_of("", "{PRICE}", None, None)
# No fact has this name.
_UNFILLED = text_of("", "{NEVER}", None, None)
_UNSHOWABLE = msgspec.structs.replace(_UNFILLED, slots=frozenset())
