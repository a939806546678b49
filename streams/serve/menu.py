"""What may be shown to a segment for a product, with everything that follows from it worked out.

Eligible arms, their probabilities, the rendered text of each, the half of the decision record that is the same for
every shopper, and the half of the token: all of it depends on product, segment, pool, policy and whether the price is
known, and on no single event. It is computed once and thrown away when one of these changes.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from inference.decide.assign import CONTROL
from inference.decide.eligibility import arm_texts
from inference.decide.facts import Facts
from inference.decide.policy import Choices
from inference.generate.render import render
from schemas.decisions import DecisionBody
from schemas.errors import Code
from schemas.token import NO_CODE, Claims, tail_of
from streams.broadcast.pool import Text
from streams.serve.codes import Codes
from streams.serve.controls import Controls
from streams.serve.setup import ServeSetup
from streams.serve.world import World

PoolKey = tuple[str, str, str]
EMPTY = Raw(b"{}")
# Products times segments that are remembered, some 10 KB each; past that the memo starts anew rather than grow.
MEMO_ENTRIES = 20_000
_encode = msgspec.json.Encoder().encode


class Dish(Struct, frozen=True, gc=False):
    """One possible outcome: its half of the record (without the opening brace), its part of the token, and labels."""

    body: bytes
    tail: bytes
    source: str
    override: str


class Menu(Struct, frozen=True, gc=False):
    """The outcomes for a product and segment. `dishes` holds, for each arm of `choices`, one outcome per text."""

    facts: Facts
    stamp: object
    choices: Choices
    dishes: Mapping[str, tuple[Dish, ...]]
    misses: tuple[PoolKey, ...]


class Menus:
    """Menus by product and segment, and the outcomes that show nothing."""

    def __init__(self, setup: ServeSetup, codes: Codes) -> None:
        self._setup, self._codes = setup, codes
        self._controls = Controls(setup.channel)
        self._recipes = tuple(recipe.name for recipe in setup.experiment.recipes)
        self._menus: dict[tuple[str, str], Menu] = {}
        self._stops: dict[tuple[str, str, str, int], tuple[Facts | None, Dish]] = {}
        self.lookups = len(self._recipes)

    def menu(self, facts: Facts, segment: str, world: World) -> Menu:
        """What may be shown now."""
        key = (facts.product.product_id, segment)
        found = self._menus.get(key)
        if found is not None and found.stamp is world.stamp and found.facts is facts:
            return found
        if len(self._menus) >= MEMO_ENTRIES:
            self._menus.clear()
        made = self._menus[key] = self._make(facts, segment, world)
        return made

    def nothing(self, product_id: str, facts: Facts | None, segment: str, reason: Code, world: World) -> Dish:
        """The outcome that shows nothing, for a reason."""
        key = (product_id, segment, reason.value, world.policy.version)
        found = self._stops.get(key)
        if found is not None and found[0] is facts:
            return found[1]
        if len(self._stops) >= MEMO_ENTRIES:
            self._stops.clear()
        dish = self._dish(product_id, facts, segment, world, _Outcome(override=reason))
        self._stops[key] = (facts, dish)
        return dish

    def _make(self, facts: Facts, segment: str, world: World) -> Menu:
        product_id = facts.product.product_id
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
        dishes = {
            arm: tuple(
                self._dish(product_id, facts, segment, world, self._shown(arm, text, control, facts, eligible, refused))
                for text in candidates
            )
            for arm, candidates in texts.items()
        }
        return Menu(facts, world.stamp, choices, dishes, tuple(misses))

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
            guard=[outcome.override.value] if outcome.override is not None and outcome.arm is not None else [],
            channel=setup.channel,
            locale=setup.locale,
            excluded=outcome.excluded,
            worker=setup.worker,
        )
        tail = self._tail(facts, segment, world, outcome)
        override = outcome.override.value if outcome.override is not None else ""
        return Dish(_encode(body)[1:], tail, source or "none", override)

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
