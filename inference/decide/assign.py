"""Who takes part in an experiment: a salted hash of the shopper, that anybody can recompute at any time."""

from msgspec import Struct

from inference.decide.hashing import unit

CONTROL = "template"
"""The control arm: copy from a template, always there."""


class Recipe(Struct, frozen=True):
    """What makes an arm: the style its copy is written in. The same recipe serves every product."""

    name: str
    tone: str
    cta: str
    length: str


class Experiment(Struct, frozen=True, kw_only=True):
    """One experiment: its arms (the control first), the share of shoppers held out, and the salt of its hash."""

    name: str
    version: int
    salt: str
    holdout: float
    recipes: tuple[Recipe, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm, the control first: the order in which probabilities are accumulated."""
        return (CONTROL, *(recipe.name for recipe in self.recipes))


class Holdout(Struct, frozen=True):
    """Who is held out, and of which experiment: all that can be told without its arms."""

    name: str
    salt: str
    holdout: float


def held_out(experiment: Experiment | Holdout, user_id: str) -> bool:
    """Whether the shopper sees no copy at all, as long as the experiment's salt stays the same."""
    return unit(experiment.salt, "holdout", user_id) < experiment.holdout
