"""The ways to read rows from an online store, behind one protocol: a generic one and faster ones that must equal it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from features.store.plan import ViewPlan
from schemas.ports import FeatureValue

Wanted = Sequence[tuple[ViewPlan, Sequence[str]]]
"""What to read: for each view the ids, all of them sound and distinct."""

Found = dict[str, tuple[int, dict[str, FeatureValue]]]
"""{id: (event time in ms, {feature: value})}; an id without a row is not in it."""


class ReadPath(Protocol):
    """One way to read. Called by one thread at a time; raises whatever the store's client raises."""

    @property
    def name(self) -> str:
        """What logs and checks call it."""
        ...

    def read(self, wanted: Wanted) -> list[Found]:
        """Rows for each wanted view, in that order, every feature of the view in every row."""
        ...

    def close(self) -> None: ...


def ordered(plan: ViewPlan, values: Mapping[str, FeatureValue]) -> dict[str, FeatureValue]:
    """A row's values in the view's order, null where there is none."""
    return {name: values.get(name) for name in plan.types}
