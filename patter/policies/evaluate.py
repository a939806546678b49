"""`patter policy evaluate`: what versions of the policy would have got on decisions that were logged."""

from pathlib import Path

import numpy as np
from msgspec import Struct

from inference.decide.policy import Policy
from inference.experiment.offpolicy import Figure, Judged, gain, judged
from patter.policies.log import Log
from patter.policies.logged import REWARDS, Feedback, Logged, put_all
from patter.replay.sources import records_of
from patter.settings import Settings
from patter.wiring.agents import agent_rules
from schemas.cells import YOUNG
from schemas.errors import Code, ConfigError
from schemas.policies import PolicySnapshot


class Candidate(Struct, frozen=True, kw_only=True):
    """A version and its figures. `unreached` is the share of its choices that the log says nothing of."""

    version: int
    judged: Judged
    unreached: float


class Evaluated(Struct, frozen=True, kw_only=True):
    """The figures. `outcomes` says what became of the decisions that were read; `since_ms` is the time from which they
    are used: none of the candidates was fitted to those, unless `in_sample`. `logged` is what was got. `gain` is the
    first candidate's SNIPS less the second's, or less what was got.
    """

    reward: str
    in_sample: bool
    since_ms: int
    first_ms: int | None
    last_ms: int | None
    outcomes: dict[str, int]
    shoppers: int
    logged: Figure
    candidates: list[Candidate]
    against: int | None
    gain: Figure


def evaluate(
    settings: Settings, version: int, against: int | None, kept: Path | None, reward: str, *, in_sample: bool
) -> Evaluated:
    """Judge `version`, beside `against` if given. `kept` is a folder or a file of dumps. Raises ConfigError (usage,
    file_missing, file_invalid), LackingError (broker).
    """
    if reward not in REWARDS:
        raise ConfigError(Code.USAGE, f"{reward!r} is no reward", where="--reward", hint=" or ".join(REWARDS))
    log = Log(settings, _file(kept, "policy_log"))
    snapshots = [log.version(version)]
    if against is not None:
        snapshots.append(log.version(against))
    if len({snapshot.experiment for snapshot in snapshots}) > 1:
        raise ConfigError(Code.USAGE, "the versions are of two experiments", where=f"{version} and {against}")
    since_ms = 0 if in_sample else max(map(fitted_until_ms, snapshots))
    feedback = Feedback(reward, agent_rules(settings))
    put_all(feedback, records_of(settings, "events", _file(kept, "events")))
    logged = Logged(snapshots[0].experiment, since_ms, feedback.tokens)
    put_all(logged, records_of(settings, "decisions", _file(kept, "decisions")))
    policies = [Policy(snapshot) for snapshot in snapshots]
    shoppers, rewards = logged.shoppers, logged.rewards
    ones = np.ones(len(rewards))
    weights = [logged.weights(policy) for policy in policies]
    return Evaluated(
        reward=reward,
        in_sample=in_sample,
        since_ms=since_ms,
        first_ms=logged.first_ms,
        last_ms=logged.last_ms,
        outcomes=dict(sorted(logged.outcomes.items())),
        shoppers=len(set(shoppers.tolist())),
        logged=judged(shoppers, ones, rewards).snips,
        candidates=[
            Candidate(
                version=policy.version, judged=judged(shoppers, weight, rewards), unreached=logged.unreached(policy)
            )
            for policy, weight in zip(policies, weights, strict=True)
        ],
        against=against,
        gain=gain(shoppers, weights[0], weights[1] if against is not None else ones, rewards),
    )


def fitted_until_ms(snapshot: PolicySnapshot) -> int:
    """From which time on no decision was counted in the snapshot's beliefs; 0 where these are of no decisions."""
    if snapshot.basis is not None and snapshot.basis.as_of_ms is not None:
        return snapshot.basis.as_of_ms + YOUNG.width_ms
    return snapshot.created_ms if snapshot.cells else 0


def _file(kept: Path | None, logical: str) -> Path | None:
    """The file of a topic: in a folder as `--keep` writes it, or the one file with all of them."""
    if kept is None or not kept.is_dir():
        return kept
    for name in (f"{logical}.jsonl", f"{logical}.jsonl.gz"):
        if (kept / name).exists():
            return kept / name
    raise ConfigError(Code.FILE_MISSING, f"there is no {logical}.jsonl", where=str(kept), hint="patter topics dump")
