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


class PolicySnapshot(Struct, frozen=True, kw_only=True):
    """One version of the policy.

    `epsilon` is the share that is spread evenly over the eligible arms; `draws` the number of posterior draws whose
    winners make up the rest; `seed` goes into draws and choice. `kill` stops all copy. `by` and `why` are the audit.
    """

    version: Annotated[int, Meta(ge=1)]
    experiment: Name
    created_ms: int
    seed: str
    epsilon: Annotated[float, Meta(ge=0, le=1)]
    draws: Annotated[int, Meta(ge=1, le=65536)] = 512
    prior: dict[str, Beta]
    cells: list[Cell] = []
    kill: bool = False
    by: str = ""
    why: str = ""
