"""What deciding with live inputs came to, and how it is told."""

from collections import Counter

import msgspec
from msgspec import Struct

CAUSES = (
    "feature_changed",
    "segment_changed",
    "policy_changed",
    "product_changed",
    "product_gone",
    "experiment_changed",
    "arms_changed",
    "copy_gone",
)
"""What may be another than it was: inputs of a decision. `arms_changed` says that other arms could be drawn."""

OUTCOMES = ("action", "arm", "text")
"""What a shopper would see, or not."""


class LiveResult(Struct):
    """`causes` counts decisions whose inputs are others now, `differing` those that would come out otherwise and
    `by_cause` these by each cause that holds for them; `unexplained` are those for which none does. `features` counts
    by view:feature.
    """

    decisions: int = 0
    decided: int = 0
    differing: int = 0
    unexplained: int = 0
    causes: Counter[str] = msgspec.field(default_factory=Counter)
    by_cause: Counter[str] = msgspec.field(default_factory=Counter)
    by_field: Counter[str] = msgspec.field(default_factory=Counter)
    features: Counter[str] = msgspec.field(default_factory=Counter)

    def add(self, causes: set[str], fields: set[str]) -> None:
        """One decision that was made again: what of its inputs is another, and what of its outcome."""
        self.decided += 1
        self.causes.update(causes)
        self.by_field.update(fields)
        if fields:
            self.differing += 1
            self.by_cause.update(causes)
            self.unexplained += not causes

    def members(self) -> dict[str, object]:
        """As it stands in a result."""
        return {
            "decisions": self.decisions,
            "decided": self.decided,
            "differing": self.differing,
            "unexplained": self.unexplained,
            "causes": {cause: self.causes[cause] for cause in CAUSES},
            "differing_by_cause": {cause: self.by_cause[cause] for cause in CAUSES},
            "differing_by_field": {field: self.by_field[field] for field in OUTCOMES},
            "features_changed": dict(self.features.most_common()),
        }

    def lines(self) -> list[str]:
        """For a person."""
        told = [f"{self.decisions} decisions, {self.decided} made again, {self.differing} would come out otherwise"]
        told += [f"  {field}: {self.by_field[field]}" for field in OUTCOMES if self.by_field[field]]
        for cause in CAUSES:
            if self.causes[cause]:
                told.append(f"  {cause}: {self.causes[cause]}, of these otherwise {self.by_cause[cause]}")
        told += [f"    {feature}: {number}" for feature, number in self.features.most_common(10)]
        return told
