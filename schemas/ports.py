"""Protocols through which the pure core meets the world: clock, metrics, features, text.

Time and chance are arguments in the core; a shell that needs them takes one of these, so that tests and replay can
put their own in.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

FeatureState = Literal["fresh", "stale", "missing", "error"]
FeatureValue = str | int | float | bool | None


class Clock(Protocol):
    """Where a shell gets the time from."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back, for durations and deadlines."""
        ...


class Metrics(Protocol):
    """What a worker says about itself. Names and labels are those of `schemas.metrics`; an unknown one is an error."""

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        """Raise a counter."""
        ...

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        ...

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value into a histogram."""
        ...


class ViewRow(Struct, frozen=True, gc=False):
    """One entity's row of one feature view, as it was read.

    `values` is None where nothing is known (missing or error); `event_ms` is when the values were true (0: unknown);
    `encoded` is the JSON object of `values`, made once per read and not once per decision; `until_ms` is when the row
    has to be asked for again (0: next time), so that whoever holds it need not ask before.
    """

    state: FeatureState
    values: Mapping[str, FeatureValue] | None
    event_ms: int
    encoded: bytes
    until_ms: int = 0


class FeatureReader(Protocol):
    """Reads the feature views of one service for a whole batch at once.

    `read` never raises for a store that is slow, frozen or gone: it answers rows whose state is `error` (or cached
    ones, while they are young enough) and comes back within its time limit.
    """

    views: Sequence[tuple[str, str]]
    """(view name, join key) of every view that is read, in the service's order; join keys: user_id, product_id."""

    def read(self, keys: Mapping[str, Sequence[str]], now_ms: int) -> dict[str, dict[str, ViewRow]]:
        """{join key: ids} -> {view: {id: row}}; ids need not be distinct; every id asked for has a row."""
        ...

    def stats(self) -> Mapping[str, float]:
        """Cumulative counters: found, missing, stale, null, errors, cache_hits, cache_misses, reads, read_seconds."""
        ...

    def close(self) -> None: ...


class TextRequest(Struct, frozen=True, kw_only=True):
    """What a writer of copy needs to know: who, in which style, about what, in which room.

    `facts` maps a slot name without braces (NAME, BRAND, PRICE, ...) to what would stand in it now; only these slots
    may stand in the text. `seed` makes the text reproducible. `sentiment` is what the text should sound like, `any`
    leaves it open. `avoid` are the codes for which earlier texts of this request were not admitted,
    `reference` an approved text for a similar product, its slots unfilled; only prompts in words hold one.
    """

    product_id: str
    category: str
    segment: str
    variant: str
    tone: str
    cta: str
    length: str
    channel: str
    locale: str
    facts: Mapping[str, str]
    seed: int
    max_chars: int
    sentiment: str = "any"
    avoid: tuple[str, ...] = ()
    reference: str | None = None


class WrittenText(Struct, frozen=True, kw_only=True):
    """A text that was written: with its slots unfilled, and what the checks say. `codes` empty means admitted."""

    slot_text: str
    codes: tuple[str, ...]
    tokens: int
    ms: float
    prompt_id: str


class Writer(Protocol):
    """Writes copy. The result of a request does not depend on what else stands in the batch."""

    bundle_sha256: str
    bundle_name: str
    provider: str

    def write(self, requests: Sequence[TextRequest], deadline_s: float) -> list[WrittenText]:
        """One text for each request, in their order. What is not done `deadline_s` seconds after the call carries the
        code copy_deadline.
        """
        ...
