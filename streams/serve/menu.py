"""What may be shown to a segment for a product, with everything that follows from it worked out.

Eligible arms, their probabilities, the rendered text of each, the half of the decision record that is the same for
every shopper, and the half of the token: all of it depends on product, segment, pool, policy and whether the price is
known, and on no single event. It is computed once and thrown away when one of these changes. A menu on which nothing
is shown has one outcome, so that all of them are drawn and written alike.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct

from inference.decide.assign import CONTROL
from inference.decide.eligibility import arm_texts
from inference.decide.facts import Facts
from inference.generate.render import render
from schemas.decisions import DecisionBody
from schemas.errors import Code
from schemas.token import NO_CODE, Claims, code_of, tail_of
from streams.broadcast.pool import Text
from streams.serve.codes import Codes
from streams.serve.controls import Controls
from streams.serve.setup import ServeSetup
from streams.serve.world import Stamp, World

PoolKey = tuple[str, str, str]
EMPTY = Raw(b"{}")
# Products that are remembered, some 10 KB for each segment; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 5_000
_encode = msgspec.json.Encoder().encode


class Dish(NamedTuple):
    """One possible outcome: its half of the record (without the opening brace), its part of the token, and what is
    counted of it: source and override.

    The compiled press takes them by their place.
    """

    body: bytes
    tail: bytes
    label: tuple[str, str]


class Menu(NamedTuple):
    """The outcomes for a product and segment: for each arm one per text, and the arms' probabilities added up.

    `misses` were looked up in the pool in vain, of `lookups`. The compiled press takes them by their place.
    """

    cumulative: tuple[float, ...]
    dishes: tuple[tuple[Dish, ...], ...]
    misses: tuple[PoolKey, ...] = ()
    lookups: int = 0


Shelf = dict[str | tuple[str, Code], Menu]
"""A product's menus by segment or (segment, why nothing is shown)."""

Shelves = dict[str, Shelf]
"""Shelves by product."""


class Menus:
    """Menus by product and segment."""

    def __init__(self, setup: ServeSetup, codes: Codes) -> None:
        self._setup, self._codes = setup, codes
        self._controls = Controls(setup.channel, setup.rules)
        self._recipes = tuple(recipe.name for recipe in setup.experiment.recipes)
        self._stamp: Stamp | None = None
        self._labels: dict[tuple[str, str], tuple[str, str]] = {}
        self.shelves: Shelves = {}

    def begin(self, world: World) -> None:
        """From now on in this world. What it has changed is forgotten, so that whatever stands on a shelf holds."""
        if self._stamp is not world.stamp or len(self.shelves) > MEMO_ENTRIES:
            self.shelves.clear()
        self._stamp = world.stamp
        for product_id in world.changed:
            self.shelves.pop(product_id, None)

    def menu(self, product_id: str, segment: str, stop: Code | None, world: World) -> Menu:
        """What may be shown now. `stop` says why nothing may, if so."""
        shelf = self.shelves.setdefault(product_id, {})
        name = segment if stop is None else (segment, stop)
        found = shelf.get(name)
        if found is None:
            found = shelf[name] = self._make(product_id, world.catalogue.get(product_id), segment, stop, world)
        return found

    def _make(self, product_id: str, facts: Facts | None, segment: str, stop: Code | None, world: World) -> Menu:
        why = self._unsaleable(facts) or stop
        if facts is None or why is not None:
            outcome = _Outcome(override=why)
            return Menu((1.0,), ((self._dish(product_id, facts, segment, world, outcome),),))
        control = self._controls.text(facts, segment, price_known=world.price_known)
        texts: dict[str, Sequence[Text]] = {CONTROL: (control,)}
        refused: dict[str, str] = {}
        misses: list[PoolKey] = []
        for arm in self._recipes:
            place = (product_id, segment, arm)
            found, why = arm_texts(world.pool.texts.get(place, ()), facts.slots, price_known=world.price_known)
            if why is None:
                texts[arm] = found
                continue
            refused[arm] = why.value
            # A text whose slots the product has lost is as good as none: it is asked for anew.
            if why is not Code.PRICE_BEHIND:
                misses.append(place)
        choices = world.policy.choices(facts.product.category, segment, tuple(texts))
        eligible = dict(zip(choices.arms, choices.probabilities, strict=True))
        dishes = tuple(
            tuple(
                self._dish(product_id, facts, segment, world, self._shown(arm, text, control, facts, eligible, refused))
                for text in texts[arm]
            )
            for arm in choices.arms
        )
        return Menu(choices.cumulative, dishes, tuple(misses), len(self._recipes))

    def _unsaleable(self, facts: Facts | None) -> Code | None:
        """Why no copy may ask anybody to buy this product, if so."""
        if facts is None:
            return Code.PRODUCT_UNKNOWN
        stock = facts.product.stock
        gone = stock is not None and stock <= 0 and not self._setup.show_out_of_stock
        return Code.OUT_OF_STOCK if gone else None

    def _shown(
        self,
        arm: str,
        copy: Text,
        control: Text,
        facts: Facts,
        eligible: dict[str, float],
        refused: dict[str, str],
    ) -> "_Outcome":
        """Render; where that fails now, the control is shown, and where that fails too, nothing is."""
        text, override = self._rendered(copy, facts)
        if override is None:
            return _Outcome(arm, eligible, refused, arm, text, copy, None)
        text, again = self._rendered(control, facts)
        if again is None:
            return _Outcome(arm, eligible, refused, CONTROL, text, control, override)
        return _Outcome(arm, eligible, refused, override=override)

    def _rendered(self, copy: Text, facts: Facts) -> tuple[str | None, Code | None]:
        text = render(copy.parts, facts.values)
        if text is None:
            return None, Code.SLOT_UNFILLED
        return (text, None) if len(text) <= self._setup.max_chars else (None, Code.TEXT_TOO_LONG)

    def _dish(self, product_id: str, facts: Facts | None, segment: str, world: World, outcome: "_Outcome") -> Dish:
        setup, experiment, copy = self._setup, self._setup.experiment, outcome.copy
        source: Literal["model", "template"] | None = None
        if copy is not None:
            source = "template" if copy.bundle_sha256 is None else "model"
        body = DecisionBody(
            product_id=product_id,
            category=facts.product.category if facts is not None else None,
            action="show" if copy is not None else "none",
            segment=segment,
            segment_version=setup.segment_version,
            experiment=experiment.name,
            experiment_version=experiment.version,
            arm=outcome.arm,
            propensity=outcome.propensity,
            eligible=outcome.eligible,
            ineligible=outcome.refused,
            policy_version=world.policy.version,
            copy_id=copy.copy_id if copy is not None else None,
            source=source,
            text=outcome.text,
            slot_text=copy.slot_text if copy is not None else None,
            shown=outcome.shown,
            override=outcome.override.value if outcome.override is not None else None,
            catalogue=facts.encoded if facts is not None else EMPTY,
            bundle_sha256=copy.bundle_sha256 if copy is not None else None,
            prompt_id=copy.prompt_id if copy is not None else None,
            conversion_version=world.policy.conversion_version(setup.conversion_version),
            guard=[outcome.override.value] if outcome.override is not None and outcome.arm is not None else [],
            channel=setup.channel,
            locale=setup.locale,
            excluded=outcome.excluded,
            worker=setup.worker,
        )
        label = (source or "none", outcome.override.value if outcome.override is not None else "")
        return Dish(
            _encode(body)[1:], self._tail(facts, segment, world, outcome), self._labels.setdefault(label, label)
        )

    def _tail(self, facts: Facts | None, segment: str, world: World, outcome: "_Outcome") -> bytes:
        codes = self._codes
        claims = Claims(
            decision_id=b"",
            time_ms=0,
            propensity=outcome.propensity or 0.0,
            holdout=outcome.override is Code.HOLDOUT,
            excluded=outcome.excluded,
            experiment=codes.of("experiment", self._setup.experiment.name),
            policy_version=world.policy.version & 0xFFFFFFFF,
            arm=codes.of("arm", outcome.arm) if outcome.arm is not None else NO_CODE,
            segment=codes.of("segment", segment),
            category=codes.of("category", facts.product.category) if facts is not None else NO_CODE,
            product=codes.of("product", facts.product.product_id) if facts is not None else NO_CODE,
            # Texts are many and made by themselves: two with one code are counted as one, and stop nobody.
            copy=code_of(outcome.copy.copy_id) if outcome.copy is not None else NO_CODE,
        )
        return tail_of(claims)


class _Outcome(Struct, frozen=True):
    """Arm, what could have been chosen, what is shown, and why it is something else than the arm."""

    arm: str | None = None
    eligible: dict[str, float] = {}
    refused: dict[str, str] = {}
    shown: str | None = None
    text: str | None = None
    copy: Text | None = None
    override: Code | None = None

    @property
    def propensity(self) -> float | None:
        return self.eligible[self.arm] if self.arm is not None else None

    @property
    def excluded(self) -> bool:
        """What was not shown as it was drawn says nothing about the arm; a holdout is what the rest is held against."""
        return self.override is not None and self.override is not Code.HOLDOUT
