"""Whether there is a policy to publish, and which. Pure: a function of the cells, the settings and the newest version.

What was learned is a function of the cells and of the snapshot's own `basis` alone (`learned`), so that whoever has the
cells can check it.
"""

from collections.abc import Mapping

import msgspec

from inference.decide.acts import LEARN, LEARNED
from inference.decide.contextual import contextual
from inference.decide.delay import DelayCurve
from inference.decide.fit import Fit, Place, Tally, fit, sharpened
from inference.decide.policy import seed_of_version
from schemas.policies import Basis, PolicySnapshot
from streams.learn.cohorts import Cohorts
from streams.learn.conversion import NO_MODEL, InForce
from streams.learn.setup import LearnSetup

# Below the 1 MiB that the topic takes, with room for the record's framing and for experiments (`trials`).
MOST_BYTES = 800_000
# A share finer than this is finer than any count behind it.
_DECIMALS = 6


def next_snapshot(
    setup: LearnSetup,
    cohorts: Cohorts,
    newest: PolicySnapshot | None,
    now_ms: int,
    conversion: InForce = NO_MODEL,
    warm: Mapping[str, float] | None = None,
) -> PolicySnapshot | None:
    """The version after `newest`; None where there is nothing to say: the copy is stopped, or nothing changed.

    `warm` is where arms begin beyond their attributes (`ArmScores`), where attributes are learned about.
    """
    if newest is not None and newest.kill:
        return None
    held = newest is not None and newest.held is not None and newest.experiment == setup.experiment
    if newest is not None and held:
        return _held(setup, cohorts, newest, now_ms, conversion)
    as_of_ms = as_of(cohorts, newest)
    tallies, curve = cohorts.tallies(as_of_ms)
    about = contextual(tallies, setup.styles, setup.sharpness, warm) if setup.styles is not None else None
    most = len({(category, segment) for category, segment, _ in tallies})
    while True:
        learned = learned_from(tallies, setup, most)
        basis = _basis(setup, curve, as_of_ms)
        made = _snapshot(setup, learned, basis, newest, now_ms, conversion)
        made = msgspec.structs.replace(made, contextual=about, why=_why(cohorts.impressions(), learned.trials))
        # A shop with more cells than a record holds: those with the fewest impressions are left to the prior.
        if most == 0 or len(msgspec.json.encode(made)) <= MOST_BYTES:
            break
        most = most * 3 // 4
    if newest is None or _differs(made, newest, set(setup.arms)):
        return made
    if (made.conversion, made.conversion_version) == (newest.conversion, newest.conversion_version):
        return None
    # What is believed about arms stays, also where somebody set it.
    stays = {name: getattr(newest, name) for name in ("prior", "cells", "contextual", "basis")}
    return msgspec.structs.replace(made, why="P_conv", **stays)


def as_of(cohorts: Cohorts, newest: PolicySnapshot | None) -> int | None:
    """The time that ages are told by: that of the newest decisions, and never before that of the version before.

    None while no decision was counted.
    """
    told = cohorts.as_of_ms()
    before = newest.basis.as_of_ms if newest is not None and newest.basis is not None else None
    return max((each for each in (told, before) if each is not None), default=None)


def learned_from(tallies: dict[Place, Tally], setup: LearnSetup, most: int | None = None) -> Fit:
    """Beliefs as they are published; of more than `most` cells those with the fewest trials are left out."""
    return sharpened(fit(tallies, setup.arms, setup.shrinkage, most), setup.sharpness)


def _held(
    setup: LearnSetup, cohorts: Cohorts, newest: PolicySnapshot, now_ms: int, conversion: InForce
) -> PolicySnapshot | None:
    """Under a rollback: the same beliefs under other settings, with arms that are new, or with another P_conv."""
    prior = newest.prior
    if not prior.keys() >= set(setup.arms):
        # Without any belief a new arm could be anything, and would be drawn most.
        tallies, _ = cohorts.tallies(as_of(cohorts, newest))
        prior = {**learned_from(tallies, setup, 0).prior, **prior}
    changed = (setup.epsilon, setup.draws, prior) != (newest.epsilon, newest.draws, newest.prior)
    if not changed and (conversion.fit, conversion.version) == (newest.conversion, newest.conversion_version):
        return None
    version = newest.version + 1
    return msgspec.structs.replace(
        newest,
        version=version,
        created_ms=now_ms,
        seed=seed_of_version(newest.experiment, version),
        epsilon=setup.epsilon,
        draws=setup.draws,
        prior=prior,
        conversion=conversion.fit,
        conversion_version=conversion.version,
        by=LEARN,
        why="settings" if changed else "P_conv",
        cause=LEARNED,
    )


def _snapshot(
    setup: LearnSetup,
    learned: Fit,
    basis: Basis,
    newest: PolicySnapshot | None,
    now_ms: int,
    conversion: InForce,
) -> PolicySnapshot:
    version = newest.version + 1 if newest else 1
    return PolicySnapshot(
        version=version,
        experiment=setup.experiment,
        created_ms=now_ms,
        seed=seed_of_version(setup.experiment, version),
        epsilon=setup.epsilon,
        draws=setup.draws,
        prior=learned.prior,
        cells=learned.cells,
        conversion=conversion.fit,
        conversion_version=conversion.version,
        by=LEARN,
        cause=LEARNED,
        basis=basis,
    )


def _basis(setup: LearnSetup, curve: DelayCurve, as_of_ms: int | None) -> Basis:
    return Basis(
        as_of_ms=as_of_ms,
        reward=setup.reward,
        shrinkage=setup.shrinkage,
        sharpness=setup.sharpness,
        half_life_days=setup.ageing.half_life_days,
        mature_hours=setup.ageing.mature_hours,
        delay_ms=list(curve.ages_ms),
        delay_shares=[round(share, _DECIMALS) for share in curve.shares],
    )


def _why(impressions: int, trials: float) -> str:
    counted = f"{impressions} impressions"
    return counted if round(trials) == impressions else f"{counted}, which weigh as {trials:.0f}"


def _differs(made: PolicySnapshot, newest: PolicySnapshot, arms: set[str]) -> bool:
    same = ("experiment", "epsilon", "draws")
    if any(getattr(made, name) != getattr(newest, name) for name in same):
        return True
    if (made.cells or newest.contextual is not None) and made.contextual != newest.contextual:
        return True
    if not made.cells and not newest.cells:
        # Nothing is learned yet: whatever prior somebody set is as good.
        return set(newest.prior) != arms
    return (made.prior, made.cells) != (newest.prior, newest.cells)
