"""The end of the input: serve has decided all of it, the audience has spoken, collect and learn have counted it."""

import time

import msgspec

from patter.demo import offsets
from patter.demo.answers import Answers
from patter.demo.audience_loop import Spoken
from patter.demo.live import Live
from patter.demo.record import RunRecord
from patter.demo.sender import Sender
from patter.supervisor import Supervisor
from patter.wiring.collect import collect_group
from schemas.cells import TOTAL
from schemas.partials import PROGRESS, CellMetrics, Partial
from streams.kafka.dump import read_topic

DRAIN_TIMEOUT_S = 120.0
# From a commit of collect to the metrics of learn it takes about two seconds; a minute is a learn that is stuck.
LEARN_TIMEOUT_S = 60.0
LEARN_LOOK_S = 2.0


def drain(
    record: RunRecord, supervisor: Supervisor, sender: Sender, answers: Answers, live: Live
) -> tuple[bool, Spoken]:
    """Wait for all of it. Whether it came to its end in time, and what the audience said."""
    serve = f"patter-serve-{record.settings.tenant}"
    in_time = _reached(record, supervisor, live, serve, dict(sender.sent.end))
    spoken = answers.finish()
    goal = {
        partition: max(sender.sent.end.get(partition, 0), spoken.end.get(partition, 0))
        for partition in {*sender.sent.end, *spoken.end}
    }
    in_time = in_time and _reached(record, supervisor, live, serve, goal)
    in_time = in_time and _reached(record, supervisor, live, collect_group(record.settings), goal)
    return in_time and _learned(record, supervisor, live), spoken


def _reached(record: RunRecord, supervisor: Supervisor, live: Live, group: str, goal: dict[int, int]) -> bool:
    topic = record.topics["events"]
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while time.monotonic() < deadline and supervisor.failure is None:
        if offsets.reached(offsets.committed(record.kafka, group, topic, goal), goal):
            return True
        live.tick()
    return False


def _learned(record: RunRecord, supervisor: Supervisor, live: Live) -> bool:
    """Whether the metrics have come to be the sums of the partials."""
    deadline = time.monotonic() + LEARN_TIMEOUT_S
    wanted = lifetime_throughs(record)
    while time.monotonic() < deadline and supervisor.failure is None:
        if wanted == metrics_throughs(record):
            return True
        until = time.monotonic() + LEARN_LOOK_S
        while time.monotonic() < until:
            live.tick()
    return False


def lifetime_throughs(record: RunRecord) -> dict[tuple[str, str], int]:
    """(cell, source) -> through of the newest partial, of the cells that do not expire."""
    decoder = msgspec.json.Decoder(Partial)
    found: dict[tuple[str, str], int] = {}
    for each in read_topic(record.kafka, record.topics["partials"], "read_committed"):
        key = (each.key or b"").decode()
        if not each.value or key.startswith(PROGRESS) or key.endswith(TOTAL.text()) or "|cohort|life|" not in key:
            continue
        partial = decoder.decode(each.value)
        place = (partial.cell, partial.source)
        found[place] = max(found.get(place, -1), partial.through)
    return found


def metrics_throughs(record: RunRecord) -> dict[tuple[str, str], int]:
    """The same, as the metrics have it."""
    decoder = msgspec.json.Decoder(CellMetrics)
    found: dict[tuple[str, str], int] = {}
    for each in read_topic(record.kafka, record.topics["metrics"], "read_committed"):
        key = (each.key or b"").decode()
        if not each.value or not key.startswith("cohort|life|"):
            continue
        for source, (through, _) in decoder.decode(each.value).sources.items():
            found[key, source] = max(found.get((key, source), -1), through)
    return found
