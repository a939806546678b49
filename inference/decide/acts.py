"""What a person does to the policy. Each act is the next version, and says who did it, when and why.

A kill, its end, a rollback and its end keep everything else as it is, so that they can be undone by one another in any
order: who kills a policy that was rolled back, and ends the kill, has the rolled-back one again.
"""

from msgspec import Struct
from msgspec.structs import replace

from inference.decide.policy import seed_of_version
from schemas.errors import Code, ConfigError
from schemas.policies import PolicySnapshot

LEARNED, SET, KILL, REVIVE, ROLLBACK, RESUME = CAUSES = ("learned", "set", "kill", "revive", "rollback", "resume")
"""Why there is a version: learn fitted it, or a person did one of these."""

LEARN = "learn"
"""Who publishes what was learned."""


class Act(Struct, frozen=True):
    """Who, why, and when in ms since the epoch."""

    by: str
    why: str
    at_ms: int


def set_to(newest: PolicySnapshot | None, prior: PolicySnapshot, *, kill: bool = False) -> PolicySnapshot:
    """`prior`, which has the next version already, in place of what there is; ends a kill and a rollback.

    Who sets what is believed about arms says nothing about texts: P_conv stays.
    """
    made = replace(prior, cause=KILL if kill else SET, kill=kill)
    if newest is None:
        return made
    return replace(made, conversion=newest.conversion, conversion_version=newest.conversion_version)


def killed(newest: PolicySnapshot, act: Act) -> PolicySnapshot:
    """No copy from now on."""
    return _next(newest, act, KILL, kill=True)


def revived(newest: PolicySnapshot, act: Act) -> PolicySnapshot:
    """Copy again, under what was believed before. Raises ConfigError (usage) where nothing was stopped."""
    if not newest.kill:
        raise ConfigError(Code.USAGE, "the kill switch is not on", where=f"version {newest.version}")
    return _next(newest, act, REVIVE, kill=False)


def rolled_back(newest: PolicySnapshot, to: PolicySnapshot, act: Act) -> PolicySnapshot:
    """The beliefs of `to`, held until somebody resumes.

    An arm that came after `to` keeps its newest prior: without any it could be anything, and would be drawn most. A
    kill stays on. Epsilon, draws and P_conv are not beliefs about arms, and stay. Raises ConfigError (usage) where `to`
    is of another experiment.
    """
    if to.experiment != newest.experiment:
        what = f"version {to.version} is of experiment {to.experiment!r}, which has other arms"
        raise ConfigError(Code.USAGE, what, where=f"{newest.experiment!r} runs", hint="patter policy history")
    held = to.held or to.version
    return _next(
        newest,
        act,
        ROLLBACK,
        prior={**newest.prior, **to.prior},
        cells=to.cells,
        contextual=to.contextual,
        basis=to.basis,
        held=held,
    )


def resumed(newest: PolicySnapshot, act: Act) -> PolicySnapshot:
    """learn may go on. Raises ConfigError (usage) where nothing is held."""
    if newest.held is None:
        what = "no version is held, and learn goes on"
        raise ConfigError(Code.USAGE, what, where=f"version {newest.version}")
    return _next(newest, act, RESUME, held=None)


def _next(newest: PolicySnapshot, act: Act, cause: str, **changes: object) -> PolicySnapshot:
    version = newest.version + 1
    return replace(
        newest,
        version=version,
        seed=seed_of_version(newest.experiment, version),
        created_ms=act.at_ms,
        by=act.by,
        why=act.why,
        cause=cause,
        **changes,
    )
