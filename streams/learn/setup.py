"""What learn depends on, as the wiring hands it over."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from inference.decide.buckets import NO_AGEING, Ageing
from inference.decide.contextual import Styles
from inference.text.conversion import Conversion
from streams.learn.fatigue import FatigueSetup

ROLE = "learn"
Reward = Literal["click", "order"]


class LearnTopics(Struct, frozen=True):
    """The names of learn's topics."""

    partials: str
    metrics: str
    codes: str
    policy: str
    policy_log: str
    copy: str
    retirements: str
    experiments: str | None = None


class LearnSetup(Struct, frozen=True, kw_only=True):
    """Settings of a learn worker. `member` is stable over restarts; `faust_dir` is a folder that Faust insists on.

    `experiment` and `arms` are those that are learned about; `shrinkage` is in impressions, `sharpness` multiplies
    beliefs (`inference.decide.fit.sharpened`), `every_s` the least time between two versions of the policy. `ageing`
    says how the age of decisions counts. `conversion` is the bundle's P_conv, None where it has none; it is refitted
    at most every `refit_every_s`. `fatigue` is None where nothing is retired. `styles` are the arms' attributes, where
    these are what is learned about (`inference.decide.contextual`); None where each arm stands for itself.
    """

    tenant: str
    member: str
    faust_dir: Path
    topics: LearnTopics
    experiment: str
    arms: tuple[str, ...]
    reward: Reward
    shrinkage: float
    sharpness: float
    every_s: float
    epsilon: float
    draws: int
    ageing: Ageing = NO_AGEING
    conversion: Conversion | None = None
    refit_every_s: float = 60.0
    fatigue: FatigueSetup | None = None
    styles: Styles | None = None

    @property
    def group(self) -> str:
        """The consumer group. Nothing is committed in it: partials are read from their beginning."""
        return f"patter-learn-{self.tenant}"
