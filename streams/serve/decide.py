"""One event's decision: eligible first, then the choice, then the text. No clock, no I/O: everything is an argument."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from inference.decide.assign import CONTROL, held_out
from inference.decide.eligibility import arm_texts
from inference.decide.facts import Facts
from inference.decide.hashing import decision_id
from inference.decide.policy import Policy
from inference.generate.render import render
from schemas.decisions import Decision, EventPlace
from schemas.errors import Code
from schemas.events import CartAdded, ListViewed, ProductViewed
from schemas.token import NO_CODE, Claims, sign
from streams.broadcast.pool import Text
from streams.kafka.records import Record
from streams.serve.codes import Codes
from streams.serve.context import ContextReader, Known, Rows
from streams.serve.controls import Controls
from streams.serve.setup import ServeSetup

Trigger = ProductViewed | ListViewed | CartAdded
PoolKey = tuple[str, str, str]
EMPTY = Raw(b"{}")


class World(Struct, frozen=True):
    """The states that a batch is decided in: the same for all of its events."""

    now_ms: int
    now: str
    policy: Policy
    catalogue: dict[str, Facts]
    pool: dict[PoolKey, tuple[Text, ...]]
    price_known: bool


class Chosen(Struct, frozen=True, gc=False):
    """The outcome of eligibility, choice and rendering."""

    arm: str | None = None
    propensity: float | None = None
    eligible: Raw = EMPTY
    ineligible: Raw = EMPTY
    shown: str | None = None
    text: str | None = None
    copy: Text | None = None
    override: str | None = None
    guard: tuple[str, ...] = ()


class Decided(Struct, frozen=True, gc=False):
    """A decision, and the pool keys that were looked up in vain."""

    decision: Decision
    misses: tuple[PoolKey, ...]
    lookups: int


def rfc3339(now_ms: int) -> str:
    """UTC time with milliseconds."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Decider:
    """Decides events one by one. Holds memos and nothing that would change an answer."""

    def __init__(self, setup: ServeSetup, codes: Codes) -> None:
        self._setup = setup
        self._codes = codes
        self._context = ContextReader(setup.views)
        self._controls = Controls(setup.channel)
        self._recipes = tuple(recipe.name for recipe in setup.experiment.recipes)
        self._tenant = setup.tenant

    def decide(self, event: Trigger, record: Record, rows: Rows, world: World) -> Decided:
        """The decision for one trigger event. Raises PatterError (code_collision)."""
        setup = self._setup
        raw_id = decision_id(self._tenant, event.event_id)
        product_id = event.product_id or ""
        known = self._context.known(rows, event.user_id, product_id, world.now_ms)
        segment = setup.segment_of(known.values)
        facts = world.catalogue.get(product_id)
        misses: list[PoolKey] = []
        reason = self._stopped(event, facts, known, world)
        if facts is None or reason is not None:
            chosen = Chosen(override=reason)
        else:
            chosen = self._choose(raw_id.hex(), facts, segment, world, misses)
        decision = self._record(event, record, raw_id, facts, segment, known, chosen, world)
        return Decided(decision, tuple(misses), len(self._recipes) if facts is not None and reason is None else 0)

    def _stopped(self, event: Trigger, facts: Facts | None, known: Known, world: World) -> str | None:
        setup = self._setup
        if facts is None:
            return Code.PRODUCT_UNKNOWN.value
        if world.policy.snapshot.kill:
            return Code.KILL_SWITCH.value
        if held_out(setup.experiment, event.user_id):
            return Code.HOLDOUT.value
        cap = setup.cap
        if cap is not None:
            seen = (known.values.get(cap.view) or {}).get(cap.feature)
            if isinstance(seen, int | float) and seen >= cap.limit:
                return Code.FREQUENCY_CAP.value
        return None

    def _choose(self, name: str, facts: Facts, segment: str, world: World, misses: list[PoolKey]) -> Chosen:
        product_id = facts.product.product_id
        control = self._controls.text(facts, segment, price_known=world.price_known)
        arms = [CONTROL]
        texts: dict[str, Sequence[Text]] = {CONTROL: (control,)}
        refused: dict[str, str] = {}
        for arm in self._recipes:
            place = (product_id, segment, arm)
            found, why = arm_texts(world.pool.get(place, ()), facts.slots, price_known=world.price_known)
            if why is None:
                arms.append(arm)
                texts[arm] = found
            else:
                refused[arm] = why.value
                # A text whose slots the product has lost is as good as none: it is asked for anew.
                if why is not Code.PRICE_BEHIND:
                    misses.append(place)
        choices = world.policy.choices(facts.product.category, segment, tuple(arms))
        u = world.policy.draw(name)
        arm, propensity = choices.pick(u)
        candidates = texts[arm]
        copy = candidates[int(name[:8], 16) % len(candidates)] if len(candidates) > 1 else candidates[0]
        ineligible = Raw(msgspec.json.encode(refused)) if refused else EMPTY
        shown, text, override = arm, render(copy.parts, facts.values), None
        if text is None or len(text) > self._setup.max_chars:
            override = (Code.SLOT_UNFILLED if text is None else Code.TEXT_TOO_LONG).value
            shown, copy, text = CONTROL, control, render(control.parts, facts.values)
            if text is None or len(text) > self._setup.max_chars:
                return Chosen(arm, propensity, choices.encoded, ineligible, override=override, guard=(override,))
        return Chosen(
            arm, propensity, choices.encoded, ineligible, shown, text, copy, override, (override,) if override else ()
        )

    def _record(
        self,
        event: Trigger,
        record: Record,
        raw_id: bytes,
        facts: Facts | None,
        segment: str,
        known: Known,
        chosen: Chosen,
        world: World,
    ) -> Decision:
        setup, codes, copy = self._setup, self._codes, chosen.copy
        experiment = setup.experiment
        category = facts.product.category if facts is not None else None
        # What was not shown as it was drawn says nothing about the arm: it is left out of learning.
        excluded = chosen.override is not None and chosen.override != Code.HOLDOUT
        claims = Claims(
            decision_id=raw_id,
            time_ms=world.now_ms,
            propensity=chosen.propensity or 0.0,
            holdout=chosen.override == Code.HOLDOUT,
            excluded=excluded,
            experiment=codes.of("experiment", experiment.name),
            policy_version=world.policy.version & 0xFFFFFFFF,
            arm=codes.of("arm", chosen.arm) if chosen.arm is not None else NO_CODE,
            segment=codes.of("segment", segment),
            category=codes.of("category", category) if category is not None else NO_CODE,
            product=codes.of("product", facts.product.product_id) if facts is not None else NO_CODE,
        )
        source: Literal["model", "template"] | None = (
            None if copy is None else ("template" if copy.bundle_sha256 is None else "model")
        )
        return Decision(
            decision_id=raw_id.hex(),
            event_id=event.event_id,
            user_id=event.user_id,
            product_id=event.product_id or "",
            category=category,
            time=world.now,
            action="show" if copy is not None else "none",
            segment=segment,
            segment_version=setup.segment_version,
            experiment=experiment.name,
            experiment_version=experiment.version,
            arm=chosen.arm,
            propensity=chosen.propensity,
            eligible=chosen.eligible,
            ineligible=chosen.ineligible,
            policy_version=world.policy.version,
            copy_id=copy.copy_id if copy is not None else None,
            source=source,
            text=chosen.text,
            slot_text=copy.slot_text if copy is not None else None,
            token=sign(claims, setup.key_id, setup.key),
            shown=chosen.shown,
            override=chosen.override,
            catalogue=facts.encoded if facts is not None else EMPTY,
            features=known.features,
            feature_states=known.states,
            feature_ages_s=known.ages,
            bundle_sha256=copy.bundle_sha256 if copy is not None else None,
            prompt_id=copy.prompt_id if copy is not None else None,
            guard=list(chosen.guard),
            event=EventPlace(record.topic, record.partition, record.offset),
            kind=str(event.__struct_config__.tag),
            channel=setup.channel,
            locale=setup.locale,
            excluded=excluded,
            worker=setup.worker,
        )
