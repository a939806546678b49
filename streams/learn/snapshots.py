"""Whether there is a policy to publish, and which. Pure."""

import msgspec

from inference.decide.fit import fit, sharpened
from schemas.policies import PolicySnapshot
from streams.learn.conversion import NO_MODEL, InForce
from streams.learn.overview import Overview
from streams.learn.setup import LearnSetup

# Below the 1 MiB that the topic takes, with room for the record's framing and for experiments (`trials`).
MOST_BYTES = 800_000


def next_snapshot(
    setup: LearnSetup, overview: Overview, newest: PolicySnapshot | None, now_ms: int, conversion: InForce = NO_MODEL
) -> PolicySnapshot | None:
    """The version after `newest`; None where there is nothing to say: the copy is stopped, or nothing changed."""
    if newest is not None and newest.kill:
        return None
    tallies = overview.tallies(setup.experiment, frozenset(setup.arms), setup.reward)
    most = len({(category, segment) for category, segment, _ in tallies})
    while True:
        made = _snapshot(setup, overview, newest, now_ms, most, conversion)
        # A shop with more cells than a record holds: those with the fewest impressions are left to the prior.
        if most == 0 or len(msgspec.json.encode(made)) <= MOST_BYTES:
            break
        most = most * 3 // 4
    if newest is None or _differs(made, newest, set(setup.arms)):
        return made
    if (made.conversion, made.conversion_version) == (newest.conversion, newest.conversion_version):
        return None
    # What is believed about arms stays, also where somebody set it.
    return msgspec.structs.replace(made, prior=newest.prior, cells=newest.cells, why="P_conv")


def _snapshot(
    setup: LearnSetup,
    overview: Overview,
    newest: PolicySnapshot | None,
    now_ms: int,
    most: int,
    conversion: InForce,
) -> PolicySnapshot:
    version = newest.version + 1 if newest else 1
    tallies = overview.tallies(setup.experiment, frozenset(setup.arms), setup.reward)
    learned = sharpened(fit(tallies, setup.arms, setup.shrinkage, most), setup.sharpness)
    return PolicySnapshot(
        version=version,
        experiment=setup.experiment,
        created_ms=now_ms,
        seed=f"{setup.experiment}:{version}",
        epsilon=setup.epsilon,
        draws=setup.draws,
        prior=learned.prior,
        cells=learned.cells,
        conversion=conversion.fit,
        conversion_version=conversion.version,
        by="learn",
        why=f"{learned.trials:.0f} impressions",
    )


def _differs(made: PolicySnapshot, newest: PolicySnapshot, arms: set[str]) -> bool:
    same = ("experiment", "epsilon", "draws")
    if any(getattr(made, name) != getattr(newest, name) for name in same):
        return True
    if not made.cells and not newest.cells:
        # Nothing is learned yet: whatever prior somebody set is as good.
        return set(newest.prior) != arms
    return (made.prior, made.cells) != (newest.prior, newest.cells)
