"""The end of a run: everything is read from the topics once more, counted, kept, and put into the result."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from patter.demo import offsets
from patter.demo.audience_loop import Spoken
from patter.demo.audience_truth import TruthTable
from patter.demo.finish_feedback import FeedbackCount, proven
from patter.demo.follow import Follower
from patter.demo.keep import Keeper
from patter.demo.live import Live
from patter.demo.record import RunRecord
from patter.demo.recount import Recount, Rules
from patter.demo.sender import Sender
from patter.demo.sizing import CAP_BYTES
from patter.result import envelope
from patter.supervisor import Supervisor
from patter.wiring.agents import agent_rules
from schemas.errors import Code
from schemas.topics import BY_LOGICAL
from streams.kafka.dump import DumpRecord, read_topic

Feed = Callable[[DumpRecord], None]


class Ended(NamedTuple):
    """What took part in a run that has ended. `drained`: all of it was decided, counted and learned in time."""

    supervisor: Supervisor
    sender: Sender
    spoken: Spoken
    follower: Follower
    live: Live
    lag_end: Mapping[str, Mapping[str, float | None]]
    truth: TruthTable
    drained: bool


def finish(record: RunRecord, ended: Ended) -> dict[str, object]:
    """Recount and write the result of the contract."""
    supervisor, sender, live = ended.supervisor, ended.sender, ended.live
    settings = record.settings
    rules = Rules(
        tenant=settings.tenant,
        triggers=frozenset(settings.serve.triggers),
        agents=agent_rules(settings),
        window=settings.serve.seen_window,
        events_topic=record.topics["events"],
    )
    recount = Recount(rules, record.begin)
    feedback = FeedbackCount(record, ended.truth)
    keeper = Keeper(record.options.keep)
    keeper.open(record.topics)
    volumes = _read_all(record, recount, feedback, keeper)
    sections = recount.result(ended.follower.delays_ms, doubles_fail=record.broker.delivery == "exactly_once")
    counted: list[str] = sections.pop("failures")  # type: ignore[assignment]
    failures = [
        *_run_failures(record, ended),
        *counted,
        *_expectations(sections, ended, record),
        *feedback.failures(ended.spoken),
        *_evictions(record, volumes),
    ]
    proof, wrong = proven(record)
    failures += wrong
    result = envelope(
        "demo",
        record.options.command,
        record.options.seed,
        record.started,
        failures,
        record.broker.described(record.isolated),
    )
    usage = supervisor.usage()
    result.update(
        run={
            "id": record.run_id,
            "data_dir": str(record.options.data_dir.absolute()),
            "previous_runs": record.previous_runs,
        },
        input={
            "events_sent": sender.sent.events + ended.spoken.events,
            "feedback_sent": ended.spoken.events,
            "feedback_by_kind": ended.spoken.by_what,
            "malformed_sent": sender.sent.malformed,
            "duplicates_sent": sender.sent.duplicates,
        },
        **sections,
        **feedback.sections(),
        **proof,
        throughput=live.throughput(usage),
        lag_records=ended.lag_end,
        processes={
            name: {
                "pid": each.pid,
                "restarts": each.restarts,
                "cpu_s": round(each.cpu_s, 2),
                "rss_mib": round(each.rss_mib, 1),
            }
            for name, each in usage.items()
        },
        simulated=True,
    )
    result["generate"] = {**_table(sections["generate"]), "provider": live.provider}
    result["features"] = {**_table(sections["features"]), **live.features()}
    artifacts = keeper.close()
    if artifacts is not None:
        result["artifacts"] = artifacts
    return result


def _table(section: object) -> dict[str, object]:
    assert isinstance(section, dict)
    return section


def _read_all(
    record: RunRecord, recount: Recount, feedback: FeedbackCount, keeper: Keeper
) -> dict[str, dict[int, int]]:
    """Feed every topic; answers bytes by logical topic and partition. Compacted topics are kept as a whole."""

    def decision(each: DumpRecord) -> None:
        recount.decision(each)
        feedback.decision(each)

    feeds: dict[str, Feed] = {
        "events": recount.event,
        "decisions": decision,
        "partials": feedback.totals.partial,
        "metrics": lambda each: feedback.lifetime.metrics(each.key, each.value),
        "policy_log": feedback.policy,
        "copy": recount.copy,
        "copy_review": recount.review,
        "copy_requests": recount.request,
        "dlq": recount.dlq,
    }
    volumes: dict[str, dict[int, int]] = {}
    for logical, topic in record.topics.items():
        begin = record.begin.get(topic, {})
        from_offsets = _start(record, logical, begin)
        feed = feeds.get(logical)
        sizes = volumes.setdefault(logical, {})
        for each in read_topic(record.kafka, topic, "read_committed", from_offsets):
            sizes[each.partition] = sizes.get(each.partition, 0) + len(each.key or b"") + len(each.value or b"")
            if feed is not None:
                feed(each)
            if BY_LOGICAL[logical].cleanup == "compact" or each.offset >= begin.get(each.partition, 0):
                keeper.put(logical, each)
    return volumes


def _start(record: RunRecord, logical: str, begin: Mapping[int, int]) -> dict[int, int] | None:
    if logical == "copy" or BY_LOGICAL[logical].cleanup == "compact":
        return None
    back = record.settings.serve.seen_window if logical == "events" else 0
    return {partition: max(0, offset - back) for partition, offset in begin.items()}


def _run_failures(record: RunRecord, ended: Ended) -> list[str]:
    supervisor, sender = ended.supervisor, ended.sender
    found = []
    if supervisor.failure is not None:
        found.append(f"{Code.ROLE_DIED.value}: {supervisor.failure}; its log is in {record.options.data_dir}/logs")
    if sender.sent.failed is not None:
        found.append(f"{Code.BROKER_FAILED.value}: not all input was taken: {sender.sent.failed}")
    if ended.spoken.failed is not None:
        found.append(f"{Code.BROKER_FAILED.value}: not all feedback was sent: {ended.spoken.failed}")
    if not ended.drained and supervisor.failure is None:
        found.append(f"{Code.PENDING.value}: not all of the input was decided, counted and learned in time")
    return found


def _expectations(sections: Mapping[str, object], ended: Ended, record: RunRecord) -> list[str]:
    """What the run itself knows of its input, held against the recount."""
    serve, dlq = sections["serve"], sections["dlq"]
    assert isinstance(serve, dict)
    assert isinstance(dlq, dict)
    found = []
    sent = ended.sender.sent.events + ended.spoken.events
    if record.broker.kind != "remote" and serve["events_in"] != sent:
        found.append(f"{Code.MISCOUNT.value}: {sent} events were sent, {serve['events_in']} are there")
    if record.broker.kind == "local" and not record.isolated:
        found.append(f"{Code.NOT_ISOLATED.value}: a reader of committed records saw an aborted one")
    return found


def _evictions(record: RunRecord, volumes: Mapping[str, Mapping[int, int]]) -> list[str]:
    """The embedded broker drops the oldest records of a full partition: then nothing of this run can be trusted."""
    if record.broker.kind != "embedded":
        return []
    found = []
    for topic, lows in offsets.begins(record.kafka, record.topics.values()).items():
        lost = sum(lows.values())
        if lost:
            found.append(f"{Code.EVICTED.value}: the embedded broker dropped {lost} records of {topic}")
    for logical, sizes in volumes.items():
        full = max(sizes.values(), default=0)
        if full > CAP_BYTES:
            found.append(f"{Code.EVICTED.value}: a partition of {record.topics[logical]} holds {full} bytes")
    return found
