"""`patter verify` on a running broker. It works while events flow.

The committed offsets of collect's group are the barrier: what lies below them has been published. The cells are read
after that, and so may be newer than the barrier; each says itself up to where it goes.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from patter.settings import Settings
from patter.verify.carried import Carried, Keep, opened
from patter.verify.check import compared
from patter.verify.checkpoint import Checkpoints
from patter.verify.eventlog import EventLog
from patter.verify.published import Published
from patter.verify.result import Start, VerifyResult
from patter.verify.rules import Difference, OnlineSource, Rules
from patter.verify.spans import counted_by
from patter.wiring.agents import agent_rules
from patter.wiring.experiment import holdout_of
from patter.wiring.kafka import group_of, kafka_options, topics_of
from patter.wiring.tokens import token_keys
from schemas.cells import DAY_MS
from schemas.partials import PROGRESS
from streams.kafka.committed import committed
from streams.kafka.config import KafkaOptions
from streams.kafka.incarnation import incarnation_of, source_of

TIMEOUT_S = 60.0
PAUSE_S = 0.2
NOWHERE = -1


def verify_rules(settings: Settings) -> Rules:
    """What counting depends on, as the settings want it."""
    return Rules(
        keys=token_keys(settings),
        lateness_ms=int(settings.collect.lateness_days * DAY_MS),
        agents=agent_rules(settings),
        currency=settings.collect.currency,
        max_cells=settings.collect.max_cells,
        max_copies=settings.collect.max_copies,
        holdout=holdout_of(settings),
    )


def open_event_log(settings: Settings, carried: Carried | None = None) -> EventLog:
    """The input log, not yet read; from what is `carried` on."""
    return EventLog(_options(settings), topics_of(settings)["events"].name, verify_rules(settings), carried)


def open_published(settings: Settings) -> Published:
    """The partials and the sketches, not yet read."""
    topics = topics_of(settings)
    return Published(_options(settings), topics["partials"].name, topics["sketches"].name)


def verify_online(
    settings: Settings,
    timeout_s: float = TIMEOUT_S,
    *,
    log: EventLog | None = None,
    published: Published | None = None,
    resume: bool = False,
    keep_at: datetime | None = None,
) -> VerifyResult:
    """Compare what collect has published with a recompute of the input log.

    `timeout_s` is how long to wait for the progress of what is committed. A caller on a broker that drops old records
    hands in readers that it has refreshed often enough since the start. Partitions of which the log is cut are counted
    on from the newest checkpoint, with `resume` all that it has. `keep_at` is the time of the checkpoint that is to be
    written if all is equal. Raises LackingError where the broker or a topic is not there, CheckFailed (undecodable),
    ConfigError (checkpoint_refused).
    """
    options, events = _options(settings), topics_of(settings)["events"].name
    incarnation = incarnation_of(options, events, settings.kafka.incarnation)
    checkpoints = Checkpoints(
        Path(settings.data_dir) / "checkpoints", events, incarnation, verify_rules(settings), token_keys(settings),
        settings.tokens.active,
    )  # fmt: skip
    start = None
    if log is None:
        log, start = _log(settings, checkpoints, resume=resume)
    published = published or open_published(settings)
    barrier = committed(options, group_of(settings, "collect"), events, log.reader.marks())
    if not barrier:
        return VerifyResult(cells=0, records_read=0, differences=[], truncated_partitions=[], offsets={})
    log.refresh()
    settled = {p: log.last_below(p, end) for p, end in barrier.items() if p not in log.reader.cut}
    behind = _wait(published, {p: source_of(incarnation, p) for p in settled}, settled, timeout_s)
    log.refresh()
    whole = {p: end for p, end in settled.items() if p not in log.reader.cut}
    sources = {p: source_of(incarnation, p) for p in whole if p not in behind}
    spans = counted_by(options, topics_of(settings)["collect_state"].name, sources)
    online = {p: _online(published, source, whole[p], spans.since.get(p)) for p, source in sources.items()}
    rules = replace(verify_rules(settings), spans=spans.rules, trials=spans.trials)
    truncated = sorted({*(barrier.keys() - whole.keys()), *(online.keys() & published.sketches.cut)})
    late = [each for p, each in behind.items() if p in whole]
    keep = None
    if keep_at is not None and not late and not truncated and not published.reader.cut:
        keep = Keep(path=checkpoints.room(), through=whole)
    found = late + compared(log.rows, online, rules, log.carried, keep)
    kept = None
    if keep is not None and keep_at is not None and not found:
        kept = checkpoints.put(keep.path, keep.through, keep_at).folder.name
    if published.reader.cut:
        # An entry that is missing may have been dropped by the broker.
        missing = {each.partition for each in found if each.online is None}
        found, truncated = [each for each in found if each.online is not None], sorted({*truncated, *missing})
    return VerifyResult(
        cells=sum(len(source.cells) for source in online.values()),
        sketches=sum(len(source.reach.reach.names()) for source in online.values() if source.reach is not None),
        records_read=log.rows.records,
        differences=found,
        truncated_partitions=truncated,
        offsets={
            events: {p: (log.begin(p), end) for p, end in barrier.items()},
            published.reader.topic: {p: (published.reader.begins[p], end) for p, end in published.reader.next.items()},
        },
        checkpoint=start,
        kept=kept,
    )


def _log(settings: Settings, checkpoints: Checkpoints, *, resume: bool) -> tuple[EventLog, Start | None]:
    """The log from its beginning, or where that is gone (with `resume`, anyway) from where a checkpoint ends."""
    log = open_event_log(settings)
    lows = {partition: low for partition, (low, _) in log.reader.marks().items()}
    if not resume and not any(lows.values()):
        return log, None
    found = checkpoints.newest()
    if found is None:
        return log, None
    reached = {
        partition: through
        for partition, through in found.manifest.through.items()
        if (resume or lows.get(partition)) and lows.get(partition, 0) <= through + 1
    }
    start = Start(name=found.folder.name, written_at=found.manifest.written_at, through=reached)
    return open_event_log(settings, opened(found.state, reached)), start


def _options(settings: Settings) -> KafkaOptions:
    return kafka_options(settings, "patter-verify")


def _wait(
    published: Published, sources: Mapping[int, str], settled: Mapping[int, int], timeout_s: float
) -> dict[int, Difference]:
    """Read the partials until they tell of everything that is settled. Answers the partitions that never get there.

    Markers of one transaction reach the partitions one after the other: what was written before progress was seen must
    be committed in all of them before the cells are read.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        published.refresh()
        behind = {p: _through(published, source) for p, source in sources.items()}
        behind = {p: through for p, through in behind.items() if through < settled[p]}
        if not behind and published.settled():
            published.refresh()
            return {}
        if time.monotonic() > deadline:
            return {p: _behind(p, through, settled[p]) for p, through in behind.items()}
        time.sleep(PAUSE_S)


def _behind(partition: int, through: int, last: int) -> Difference:
    online = None if through == NOWHERE else through
    return Difference(partition=partition, cell=PROGRESS, field="through", online=online, batch=last)


def _through(published: Published, source: str) -> int:
    progress = published.progress.get(source)
    return NOWHERE if progress is None else progress.through


def _online(published: Published, source: str, settled: int, since: int | None) -> OnlineSource:
    """`since` is the offset from which on the source says that it counts sketches."""
    progress = published.progress.get(source)
    # Where the broker has dropped some of its records, what is left of a partition's sketches says nothing.
    cut = int(source.rpartition(":")[2]) in published.sketches.cut
    return OnlineSource(
        # The caller may go on reading.
        cells=dict(published.cells.get(source, {})),
        through=NOWHERE if progress is None else progress.through,
        high_ms=0 if progress is None else progress.high_ms,
        settled=settled,
        reach=None if cut else published.reach(source, since),
    )
