"""`patter replay` of decision records: read, decide again, compare."""

from pathlib import Path

from patter.replay.again import Again
from patter.replay.result import ReplayResult
from patter.replay.rules import replay_rules
from patter.replay.sources import dumped, kept_policy, policies, published
from patter.settings import Settings


def replay_records(settings: Settings, records: Path | None, policy: Path | None) -> ReplayResult:
    """Decide the records of a file again, or without one those on the broker.

    Snapshots come from `policy`, else from what was kept beside `records`, else from the policy log on the broker.
    Raises ConfigError where a file is wrong, LackingError where the broker or a topic is not there.
    """
    rules = replay_rules(settings)
    if policy is None and records is not None:
        policy = kept_policy(records)
    snapshots = dumped(policy) if policy is not None else published(settings, "policy_log")
    again = Again(rules, policies(snapshots))
    result = ReplayResult(sorted(rules.keys))
    for record in dumped(records) if records is not None else published(settings, "decisions"):
        result.add(record, again.judge(record.value))
    return result
