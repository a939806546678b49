"""What a batch's decisions add up to, told to the metrics once the batch counts."""

from collections import Counter

import msgspec

from schemas.ports import Metrics
from streams.serve.menu import PoolKey

ROLE = "serve"


class Taken:
    """What the press notes of each decision: label, both sides' feature states, (event id, keys) of texts missed."""

    __slots__ = ("labels", "lookups", "missed", "states")

    def __init__(self) -> None:
        self.labels: list[tuple[str, str]] = []
        self.states: list[bytes] = []
        self.lookups = 0
        self.missed: list[tuple[str, tuple[PoolKey, ...]]] = []


class Tally:
    """Filled while a batch is decided."""

    def __init__(self) -> None:
        self.topics: Counter[str] = Counter()
        self.taken = Taken()

    def tell(self, metrics: Metrics) -> None:
        """Count everything."""
        for topic, number in self.topics.items():
            metrics.add("patter_records_out_total", number, role=ROLE, topic=topic)
        for (source, override), number in Counter(self.taken.labels).items():
            metrics.add("patter_decisions_total", number, role=ROLE, source=source, override=override)
        for (view, state), number in self._feature_states().items():
            metrics.add("patter_feature_rows_total", number, role=ROLE, view=view, state=state)
        misses = sum(len(keys) for _, keys in self.taken.missed)
        metrics.add("patter_pool_lookups_total", self.taken.lookups - misses, role=ROLE, result="hit")
        metrics.add("patter_pool_lookups_total", misses, role=ROLE, result="miss")

    def _feature_states(self) -> Counter[tuple[str, str]]:
        """(view, state) -> decisions that saw it. Few combinations occur: they are parsed, not each decision's."""
        found: Counter[tuple[str, str]] = Counter()
        for encoded, number in Counter(self.taken.states).items():
            for view, state in msgspec.json.decode(b"{" + encoded + b"}", type=dict[str, str]).items():
                found[view, state] += number
        return found
