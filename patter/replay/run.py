"""`patter replay` of decision records: read, decide again, compare."""

from collections.abc import Iterable
from pathlib import Path

from patter.replay.again import Again
from patter.replay.experiments import Ran
from patter.replay.result import ReplayResult
from patter.replay.rules import replay_rules
from patter.replay.sources import KEPT, KEPT_EXPERIMENTS, dumped, kept_beside, policies, published
from patter.settings import Settings
from schemas.errors import Code, LackingError
from streams.kafka.dump_lines import DumpRecord


def replay_records(
    settings: Settings, records: Path | None, policy: Path | None, experiments: Path | None = None
) -> ReplayResult:
    """Decide the records of a file again, or without one those on the broker.

    Snapshots come from `policy`, else from what was kept beside `records`, else from the policy log on the broker;
    experiments likewise, but where everything else comes from files no broker is asked for them.
    Raises ConfigError where a file is wrong, LackingError where the broker or a topic is not there.
    """
    rules = replay_rules(settings)
    if records is not None:
        policy = policy or kept_beside(records, KEPT)
        experiments = experiments or kept_beside(records, KEPT_EXPERIMENTS)
    snapshots = dumped(policy) if policy is not None else published(settings, "policy_log")
    offline = records is not None and policy is not None
    ran = Ran(rules.setup.experiment, _experiments(settings, experiments, offline=offline))
    again = Again(rules, policies(snapshots), ran)
    result = ReplayResult(sorted(rules.keys), ran.records)
    for record in dumped(records) if records is not None else published(settings, "decisions"):
        result.add(record, again.judge(record.value))
    return result


def _experiments(settings: Settings, kept: Path | None, *, offline: bool) -> Iterable[DumpRecord] | None:
    if kept is not None:
        return dumped(kept, may_be_empty=True)
    if offline:
        return None
    try:
        return published(settings, "experiments")
    except LackingError as lacking:
        if lacking.code is Code.TOPIC_MISSING:
            # A stream from before there were experiments.
            return None
        raise
