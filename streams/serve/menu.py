"""What may be shown to a segment for a product, with everything that follows from it worked out.

Eligible arms, their probabilities, the rendered text of each, the half of the decision record that is the same for
every shopper, and the half of the token: all of it depends on product, segment, pool, policy and whether the price is
known, and on no single event. It is computed once and thrown away when one of these changes. A menu on which nothing
is shown has one outcome, so that all of them are drawn and written alike.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from inference.decide.assign import CONTROL
from inference.decide.eligibility import arm_texts
from inference.decide.facts import Facts
from inference.experiment.assignment import Placement
from inference.generate.render import render
from schemas.decisions import DecisionBody
from schemas.errors import Code
from schemas.token import NO_CODE, Claims, code_of, tail_of
from streams.broadcast.pool import Text
from streams.serve.codes import Codes
from streams.serve.cohort import menu_name
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
"""A product's menus by the name of who may see them (cohort.py), or (name, why nothing is shown)."""

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

    def menu(
        self, product_id: str, segment: str, stop: Code | None, world: World, placement: Placement | None = None
    ) -> Menu:
        """What may be shown now. `stop` says why nothing may, if so; `placement` where the shopper is in one of the
        experiments that run.
        """
        shelf = self.shelves.setdefault(product_id, {})
        cohort = menu_name(segment, placement)
        name = cohort if stop is None else (cohort, stop)
        found = shelf.get(name)
        if found is None:
            facts = world.catalogue.get(product_id)
            found = shelf[name] = self._make(product_id, facts, segment, stop, world, placement)
        return found

    def _make(
        self,
        product_id: str,
        facts: Facts | None,
        segment: str,
        stop: Code | None,
        world: World,
        placement: Placement | None,
    ) -> Menu:
        whose = self._setup.experiment if placement is None else placement.experiment
        why = self._unsaleable(facts) or stop
        if facts is None or why is not None:
            outcome = _Outcome(whose.name, whose.version, override=why)
            return Menu((1.0,), ((self._dish(product_id, facts, segment, world, outcome),),))
        control = self._controls.text(facts, segment, price_known=world.price_known)
        texts: dict[str, Sequence[Text]] = {CONTROL: (control,)}
        refused: dict[str, str] = {}
        misses: list[PoolKey] = []
        arms = self._recipes if placement is None else tuple(arm.name for arm in placement.experiment.arms[1:])
        if placement is not None and placement.experiment.mode == "aa":
            texts, arms = {arm.name: (control,) for arm in placement.experiment.arms}, ()
        for arm in arms:
            place = (product_id, segment, arm)
            found, why = arm_texts(world.pool.texts.get(place, ()), facts.slots, price_known=world.price_known)
            if why is None:
                texts[arm] = found
                continue
            refused[arm] = why.value
            # A text whose slots the product has lost is as good as none: it is asked for anew. Without a recipe in the
            # settings nobody can write one.
            if why is not Code.PRICE_BEHIND and arm in self._recipes:
                misses.append(place)
        if placement is not None and placement.experiment.mode != "adaptive":
            outcomes = self._assigned(placement, texts, control, facts, refused)
            only = tuple(self._dish(product_id, facts, segment, world, each) for each in outcomes)
            return Menu((1.0,), (only,), tuple(misses), len(arms))
        trial = None if placement is None else placement.experiment.name
        choices = world.policy.choices(facts.product.category, segment, tuple(texts), trial)
        eligible = dict(zip(choices.arms, choices.probabilities, strict=True))
        dishes = tuple(
            tuple(
                self._dish(
                    product_id,
                    facts,
                    segment,
                    world,
                    self._shown(_Outcome(whose.name, whose.version, arm, eligible, refused), text, control, facts),
                )
                for text in texts[arm]
            )
            for arm in choices.arms
        )
        return Menu(choices.cumulative, dishes, tuple(misses), len(arms))

    def _unsaleable(self, facts: Facts | None) -> Code | None:
        """Why no copy may ask anybody to buy this product, if so."""
        if facts is None:
            return Code.PRODUCT_UNKNOWN
        stock = facts.product.stock
        gone = stock is not None and stock <= 0 and not self._setup.show_out_of_stock
        return Code.OUT_OF_STOCK if gone else None

    def _assigned(
        self,
        placement: Placement,
        texts: dict[str, Sequence[Text]],
        control: Text,
        facts: Facts,
        refused: dict[str, str],
    ) -> Iterator["_Outcome"]:
        """The arm that the shopper has, with its share for propensity; one outcome a text.

        Where one of the arms could not be shown, the control is shown to the shoppers of all, and the decision teaches
        nothing: otherwise the arms would be compared on different products.
        """
        record = placement.experiment
        assert placement.arm is not None, "a shopper who is held out has no menu"
        shares = {arm.name: share for arm, share in zip(record.arms, record.shares(), strict=True)}
        outcome = _Outcome(record.name, record.version, placement.arm, shares, refused)
        failures = (self._rendered(text, facts)[1] for found in texts.values() for text in found)
        why = next((Code(each) for each in refused.values()), None) or next(filter(None, failures), None)
        if why is not None:
            yield self._shown(outcome, control, control, facts, why)
            return
        for copy in texts[placement.arm]:
            found = self._shown(outcome, copy, control, facts)
            yield replace(found, shown=placement.shown_arm)

    def _shown(
        self, outcome: "_Outcome", copy: Text, control: Text, facts: Facts, why: Code | None = None
    ) -> "_Outcome":
        """Render; where that fails now, the control is shown, and where that fails too, nothing is. `why` says that the
        control is shown in any case.
        """
        text, failed = self._rendered(copy, facts)
        override = why or failed
        if override is None:
            return replace(outcome, shown=outcome.arm, text=text, copy=copy)
        text, again = self._rendered(control, facts)
        if again is None:
            return replace(outcome, shown=CONTROL, text=text, copy=control, override=override)
        return replace(outcome, override=override)

    def _rendered(self, copy: Text, facts: Facts) -> tuple[str | None, Code | None]:
        text = render(copy.parts, facts.values)
        if text is None:
            return None, Code.SLOT_UNFILLED
        return (text, None) if len(text) <= self._setup.max_chars else (None, Code.TEXT_TOO_LONG)

    def _dish(self, product_id: str, facts: Facts | None, segment: str, world: World, outcome: "_Outcome") -> Dish:
        setup, copy = self._setup, outcome.copy
        source: Literal["model", "template"] | None = None
        if copy is not None:
            source = "template" if copy.bundle_sha256 is None else "model"
        body = DecisionBody(
            product_id=product_id,
            category=facts.product.category if facts is not None else None,
            action="show" if copy is not None else "none",
            segment=segment,
            segment_version=setup.segment_version,
            experiment=outcome.experiment,
            experiment_version=outcome.version,
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
            experiment=codes.of("experiment", outcome.experiment),
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
    """Whose decision, arm, what could have been chosen, what is shown, and why it is something else than the arm."""

    experiment: str
    version: int
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
