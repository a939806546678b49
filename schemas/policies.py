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


class Contextual(Struct, frozen=True, kw_only=True):
    """A Gaussian belief about what attributes of arms are worth, in log-odds, alone and in a segment (`tone:warm|new`).

    `names` are the attributes, `mean` one number for each, and `factor` the rows of a lower-triangular matrix, each up
    to its diagonal: factor @ factor.T is the covariance. `rows` are the arms' attributes; `draws` is the number of
    posterior draws, in place of the snapshot's. `warm` is what P_conv said of the arms' texts, in log-odds: where their
    own worth began.
    """

    names: list[str]
    mean: list[float]
    factor: list[list[float]]
    rows: dict[str, dict[str, float]]
    draws: Annotated[int, Meta(ge=1, le=65536)]
    warm: dict[str, float] = {}


class ConversionFit(Struct, frozen=True, kw_only=True):
    """P_conv's weights, by attribute, refitted to a shop's own copy. `base` is the version of the bundle's model, to
    which alone they belong; `texts` were compared, over `impressions`.
    """

    base: str
    weights: dict[str, float]
    texts: int
    impressions: int


class Basis(Struct, frozen=True, kw_only=True):
    """What beliefs were fitted with: with it and the same cells they can be fitted again.

    Ages of decisions are as of `as_of_ms`, event time; None where none was counted. `half_life_days` and
    `mature_hours` are None where nothing is forgotten, and where nothing is late. Up to `delay_ms[i]` the share
    `delay_shares[i]` of the successes has come in; both are empty where no delay could be learned.
    """

    as_of_ms: int | None
    reward: str
    shrinkage: float
    sharpness: float
    half_life_days: float | None = None
    mature_hours: float | None = None
    delay_ms: list[int] = []
    delay_shares: list[float] = []


class PolicySnapshot(Struct, frozen=True, kw_only=True):
    """One version of the policy.

    `epsilon` is the share that is spread evenly over the eligible arms; `draws` the number of posterior draws whose
    winners make up the rest; `seed` goes into draws and choice. `kill` stops all copy. `by`, `why` and `cause` are the
    audit; a cause is one of `inference.decide.acts.CAUSES`, and empty in records of before there were any. `held` is
    the version whose beliefs these are, where they were rolled back and learning waits. `basis` is None where nothing
    was learned.
    `conversion` is P_conv as refitted, None where it is the bundle's own; `conversion_version` names it either way, and
    is None where no bundle with such a model was there. It ranks texts before a decision, and no decision depends on
    it. `trials` are the adaptive experiments that ran; one that is not among them is drawn by the beliefs about
    `experiment`, the settings' own. Where there is a `contextual` belief, arms of the settings' experiment are drawn by
    it; `prior` and `cells` say what each arm's own counts came to.
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
    contextual: Contextual | None = None
    conversion: ConversionFit | None = None
    conversion_version: str | None = None
    kill: bool = False
    by: str = ""
    why: str = ""
    # Any text, and not one of a set: a worker that is older than a cause must still take the snapshot.
    cause: str = ""
    held: int | None = None
    basis: Basis | None = None
