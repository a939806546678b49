"""Which arms can be chosen at all, before anything is chosen: only what could be shown takes part in the draw."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from schemas.errors import Code


class Showable(Protocol):
    """What has to be known of a text: its slots, and whether it holds a price."""

    @property
    def slots(self) -> frozenset[str]: ...
    @property
    def priced(self) -> bool: ...


T = TypeVar("T", bound=Showable)


def arm_texts(texts: Sequence[T], slots: frozenset[str], *, price_known: bool) -> tuple[Sequence[T], Code | None]:
    """The texts of one arm that this product can carry now; where there is none, why."""
    if not texts:
        return (), Code.POOL_MISS
    filled = [text for text in texts if text.slots <= slots]
    if not filled:
        return (), Code.SLOT_UNFILLED
    if price_known:
        return filled, None
    plain = [text for text in filled if not text.priced]
    return (plain, None) if plain else ((), Code.PRICE_BEHIND)
