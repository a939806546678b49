"""Rules that tell bots and agents from shoppers, as data. docs/agents.md is the law."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.cells import DAY_MS, SECOND_MS

RuleName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Part = Annotated[str, Meta(min_length=2, max_length=100)]

# An older event says nothing about how fast somebody is now, and who was last seen before may be forgotten for it.
WATCHED_MS = DAY_MS
# A label of a metric and a counter each.
MOST_RULES = 32
ACTS = ("product_viewed", "list_viewed", "cart_added", "copy_click")
"""Kinds of events by which somebody moves through a shop. Pages send impressions by the dozen: they are none."""


class AgentRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user agent that holds one of `any` and none of `but`, whatever the case, is tagged by `name`."""

    name: RuleName
    any: tuple[Part, ...]
    but: tuple[Part, ...] = ()


class WatchRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A shopper whose count rises over `over` within one window of `seconds` of event time is tagged, from that event
    on and for `hold_hours` of event time.

    What is counted: `acts`; `clicks_unseen`, clicks less impressions; `clicks_at_once`, clicks less than `within_ms`
    after the impression of the same decision. An act, a click too, counts where it is later than all acts before it.
    """

    name: RuleName
    counts: Literal["acts", "clicks_unseen", "clicks_at_once"]
    over: Annotated[int, Meta(ge=0, le=1_000_000)]
    seconds: Annotated[int, Meta(ge=1, le=86_400)]
    hold_hours: Annotated[int, Meta(ge=1, le=720)] = 24
    within_ms: Annotated[int, Meta(ge=1, le=60_000)] = 100

    @property
    def window_ms(self) -> int:
        """How long a window is."""
        return self.seconds * SECOND_MS

    @property
    def hold_ms(self) -> int:
        """How long a tag holds."""
        return self.hold_hours * DAY_MS // 24


class AgentRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules, the first that holds names the tag: those on user agents in their order, then those that watch.

    `version` is for people. Whether rules are others is told by their whole content.
    """

    version: Annotated[str, Meta(min_length=1, max_length=64)]
    agent: tuple[AgentRule, ...] = ()
    watch: tuple[WatchRule, ...] = ()

    def __post_init__(self) -> None:
        names = self.names()
        twice = [name for at, name in enumerate(names) if name in names[:at]]
        if twice:
            raise ValueError(f"two rules are named {twice[0]}")
        if len(names) > MOST_RULES:
            raise ValueError(f"{len(names)} rules; at most {MOST_RULES} are counted apart")

    def names(self) -> tuple[str, ...]:
        """Of all rules, in their order."""
        return (*(rule.name for rule in self.agent), *(rule.name for rule in self.watch))


NO_RULES = AgentRules(version="none")


def rules_of_parts(*parts: str) -> AgentRules:
    """Rules that tag user agents by these parts alone, under the name `bot`."""
    return AgentRules(version="parts", agent=(AgentRule(name="bot", any=parts),)) if parts else NO_RULES


RULES_KIND = "a"
"""SOURCE|a|NUMBER is the key, among collect's state, of a RulesSpan in JSON: for verify to read too."""


class RulesSpan(Struct, frozen=True, kw_only=True):
    """The rules under which a source counts from the offset `since` on, until the next span's."""

    since: int
    rules: AgentRules


def suppressed_by(rule: str) -> str:
    """The counter, in the total cell, of events that a rule kept from counting."""
    return f"suppressed:{rule}"
