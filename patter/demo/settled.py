"""The end of the input: serve has decided all of it, the audience has spoken, collect and learn have counted it."""

import time

from patter.demo import offsets
from patter.demo.answers import Answers
from patter.demo.audience_loop import Spoken
from patter.demo.live import Live
from patter.demo.record import RunRecord
from patter.demo.recount_feedback import LIFETIME
from patter.demo.sender import Sender
from patter.supervisor import Supervisor
from patter.verify.run import open_published
from patter.wiring.kafka import group_of
from streams.kafka.committed import committed

DRAIN_TIMEOUT_S = 120.0
# From a commit of collect to the metrics of learn it takes about two seconds; a minute is a learn that is stuck.
LEARN_TIMEOUT_S = 60.0


def drain(
    record: RunRecord, supervisor: Supervisor, sender: Sender, answers: Answers, live: Live
) -> tuple[bool, Spoken]:
    """Wait for all of it. Whether it came to its end in time, and what the audience said."""
    serve = group_of(record.settings, "serve")
    in_time = _reached(record, supervisor, live, serve, dict(sender.sent.end))
    spoken = answers.finish()
    goal = {
        partition: max(sender.sent.end.get(partition, 0), spoken.end.get(partition, 0))
        for partition in {*sender.sent.end, *spoken.end}
    }
    in_time = in_time and _reached(record, supervisor, live, serve, goal)
    in_time = in_time and _reached(record, supervisor, live, group_of(record.settings, "collect"), goal)
    return in_time and _learned(record, supervisor, answers, live), spoken


def _reached(record: RunRecord, supervisor: Supervisor, live: Live, group: str, goal: dict[int, int]) -> bool:
    topic = record.topics["events"]
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while time.monotonic() < deadline and supervisor.failure is None:
        if offsets.reached(committed(record.kafka, group, topic, goal), goal):
            return True
        live.tick()
    return False


def _learned(record: RunRecord, supervisor: Supervisor, answers: Answers, live: Live) -> bool:
    """Whether the metrics have come to be the sums of the partials, in the cells that do not expire."""
    published = open_published(record.settings)
    published.refresh()
    wanted = {
        (cell, source): through
        for source, entries in published.cells.items()
        for cell, (through, _) in entries.items()
        if cell.startswith(LIFETIME)
    }
    deadline = time.monotonic() + LEARN_TIMEOUT_S
    while time.monotonic() < deadline and supervisor.failure is None:
        if wanted == answers.throughs():
            return True
        live.tick()
    return False
