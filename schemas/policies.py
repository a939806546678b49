"""The policy snapshot: everything that serve needs to choose, in one record with one version."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.ids import Name

Positive = Annotated[float, Meta(gt=0)]


class Beta(Struct, frozen=True):
    """Belief about a rate in 0..1: a Beta(alpha, beta) distribution."""

    alpha: Positive
    beta: Positive


class Cell(Struct, frozen=True, kw_only=True):
    """Beliefs for one (category, segment); an arm that it does not name falls back to the prior."""

    category: Name
    segment: Name
    arms: dict[str, Beta]


class TrialBeliefs(Struct, frozen=True, kw_only=True):
    """Beliefs about the arms of an adaptive experiment: its own prior and cells, learned from its own decisions."""

    experiment: Name
    prior: dict[str, Beta]
    cells: list[Cell] = []


class ConversionFit(Struct, frozen=True, kw_only=True):
    """P_conv's weights, by attribute, refitted to a shop's own copy. `base` is the version of the bundle's model, to
    which alone they belong; `texts` were compared, over `impressions`.
    """

    base: str
    weights: dict[str, float]
    texts: int
    impressions: int


class PolicySnapshot(Struct, frozen=True, kw_only=True):
    """One version of the policy.

    `epsilon` is the share that is spread evenly over the eligible arms; `draws` the number of posterior draws whose
    winners make up the rest; `seed` goes into draws and choice. `kill` stops all copy. `by` and `why` are the audit.
    `conversion` is P_conv as refitted, None where it is the bundle's own; `conversion_version` names it either way, and
    is None where no bundle with such a model was there. It ranks texts before a decision, and no decision depends on
    it. `trials` are the adaptive experiments that ran; one that is not among them is drawn by the beliefs about
    `experiment`, the settings' own.
    """

    version: Annotated[int, Meta(ge=1)]
    experiment: Name
    created_ms: int
    seed: str
    epsilon: Annotated[float, Meta(ge=0, le=1)]
    draws: Annotated[int, Meta(ge=1, le=65536)] = 512
    prior: dict[str, Beta]
    cells: list[Cell] = []
    trials: list[TrialBeliefs] = []
    conversion: ConversionFit | None = None
    conversion_version: str | None = None
    kill: bool = False
    by: str = ""
    why: str = ""
