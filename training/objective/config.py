"""What a tuning aims at, as a TOML file says it. As it comes every term is off, and then a run is plain tuning."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from schemas.errors import Code, ConfigError

Weight = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]


class Loss(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of what is added to cross-entropy; 0 is off.

    `unlikelihood` (alpha) goes with n-grams of `ngram` tokens that a sibling has, `cta` (beta) is the extra weight of a
    token that calls to action, `conversion` (gamma) weighs an example by 1 + gamma (p - 0.5). Above 2 an example's
    weight could fall below zero.
    """

    unlikelihood: Weight = 0.0
    ngram: Annotated[int, Meta(ge=2)] = 4
    cta: Weight = 0.0
    conversion: Annotated[float, Meta(ge=0, le=2)] = 0.0

    @property
    def on(self) -> bool:
        """Whether any term is."""
        return bool(self.unlikelihood or self.cta or self.conversion)


class Weights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the terms of the reward; only their ratios count. There are none for gates, which is what makes them gates."""

    sentiment: Weight = 1.0
    diversity: Weight = 1.0
    cta: Weight = 1.0
    conversion: Weight = 0.0


class Plateau(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The held-out reward is measured `every` so many steps (0: off), on up to `prompts` prompts with `samples` texts
    each. Where it has not risen by `least` for more than `patience` measures, the rate is multiplied by `factor`.
    """

    every: Count = 0
    prompts: Annotated[int, Meta(ge=1)] = 16
    samples: Annotated[int, Meta(ge=1)] = 4
    factor: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    patience: Count = 2
    least: Weight = 0.005


class Preference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Preference optimisation after the tuning: `samples` texts for each of up to `prompts` prompts (0: off).

    `beta` holds the model to what it was, `likelihood` is the weight of saying the better text beside preferring it,
    `rate` is the learning rate, `least_gap` the difference of reward that a pair has to have.
    """

    samples: Annotated[int, Meta(ge=0)] = 0
    prompts: Annotated[int, Meta(ge=1)] = 64
    beta: Annotated[float, Meta(gt=0)] = 0.1
    likelihood: Weight = 0.0
    rate: Annotated[float, Meta(gt=0)] = 5e-6
    epochs: Annotated[int, Meta(ge=1)] = 1
    batch: Annotated[int, Meta(ge=1)] = 8
    least_gap: Weight = 0.05


class Measure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is compared before and after: `samples` texts for each of up to `prompts` held-out prompts (0: off), drawn
    over all held-out products alike.
    """

    prompts: Count = 60
    samples: Annotated[int, Meta(ge=1)] = 4


class Objective(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that one file says. `conversion` names a `conversion.json`, beside the file where the path is relative;
    `conversion_sha256` is filled in when it is read, so that a run that is gone on from has the same.
    """

    conversion: str | None = None
    conversion_sha256: str | None = None
    loss: Loss = Loss()
    reward: Weights = Weights()
    plateau: Plateau = Plateau()
    preference: Preference = Preference()
    measure: Measure = Measure()

    @property
    def on(self) -> bool:
        """Whether anything is asked for that plain tuning does not do."""
        return self.loss.on or self.rewarded

    @property
    def rewarded(self) -> bool:
        """Whether texts are drawn and rewarded while the run goes on."""
        return bool(self.plateau.every or self.preference.samples)


def read_objective(path: Path) -> tuple[Objective, Path | None]:
    """What a file asks for, and the conversion model that it names.

    Raises ConfigError: no such file, no such term, a weight out of its bounds, a term without what it needs.
    """
    if not path.is_file():
        raise ConfigError(Code.FILE_MISSING, "no such file", where=f"--objective {path}", hint="check the path")
    try:
        asked = msgspec.toml.decode(path.read_bytes(), type=Objective)
    except (msgspec.DecodeError, ValueError) as error:
        raise _wrong(path, str(error), "docs/objectives.md names every term") from None
    if asked.preference.samples == 1:
        raise _wrong(path, "preference.samples is 1, and a pair takes two", "say 0 for none, or 2 and more")
    if asked.rewarded and not any(msgspec.structs.astuple(asked.reward)):
        raise _wrong(path, "every weight of the reward is 0", "weigh one of its terms")
    if asked.conversion is None:
        if asked.rewarded and asked.reward.conversion:
            what = "reward.conversion needs a model of it: clicks say nothing of a text that was never shown"
            raise _wrong(path, what, "name a conversion.json as `conversion`, or leave its weight at 0")
        return asked, None
    model = path.parent / asked.conversion
    if not model.is_file():
        raise ConfigError(Code.FILE_MISSING, "no such file", where=str(model), hint=f"{path} names it as `conversion`")
    digest = sha256(model.read_bytes()).hexdigest()
    return msgspec.structs.replace(asked, conversion_sha256=digest), model


def _wrong(path: Path, what: str, hint: str) -> ConfigError:
    return ConfigError(Code.FILE_INVALID, what, where=f"--objective {path}", hint=hint)
