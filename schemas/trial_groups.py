"""Experiments with a holdout of their own, as far as collect has to know them to tell whose order is whose."""

from msgspec import Struct

TRIALS_KIND = "e"
"""SOURCE|e|NUMBER is the key, among collect's state, of a TrialsSpan in JSON: for verify to read too."""


class Tried(Struct, frozen=True, kw_only=True):
    """One experiment: its part of the layer, who is held out of it, and from when to when it ran (None: it still does).

    Times are those of its record, in ms.
    """

    name: str
    salt: str
    layer: str
    first: int
    after: int
    holdout: float
    started_ms: int
    stopped_ms: int | None = None


class TrialsSpan(Struct, frozen=True, kw_only=True):
    """The experiments by which a source counts orders from the offset `since` on, until the next span's."""

    since: int
    trials: tuple[Tried, ...]
