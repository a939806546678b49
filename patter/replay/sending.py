"""`patter replay --events`: sends the actions of a log or file once more, each when it is due."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event as Flag

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct

from patter.files.lines import BOM, byte_lines
from patter.replay.actions import Action, Due, action_in, action_of, ordered, schedule
from patter.replay.times import Times
from patter.settings import Settings
from patter.wiring.kafka import kafka_options, topics_of
from patter.wiring.process import now_ms
from schemas.errors import Code, ConfigError, LackingError
from streams.kafka.cluster import METADATA_TIMEOUT_S, unreachable
from streams.kafka.config import producer_config
from streams.kafka.dump import read_topic
from streams.kafka.sending import send

# Long enough for the client's delivery reports, short enough that ctrl-c is answered at once.
LONGEST_WAIT_S = 0.1
FLUSH_S = 60.0


class Sent(Struct):
    """What was sent. `others` of the source are no actions and stay behind; `stopped` says that somebody ended it."""

    actions: int = 0
    others: int = 0
    sent: int = 0
    acknowledged: int = 0
    failed: str | None = None
    stopped: bool = False
    behind_s: float = 0.0


def resend(settings: Settings, events: str, to: str, speed: float, times: Times, stop: Flag) -> Sent:
    """Send the actions of `events` (a file, or a topic where there is no such file) to the topic `to`.

    Both may be names in the settings. All of the actions are held in memory. Ends early, with what is under way
    acknowledged, once `stop` is set. Raises ConfigError where there is nothing to send, or it would be sent to where
    it came from; LackingError where the broker, or a topic, is not there or does not take it.
    """
    target = _topic(settings, to)
    sent = Sent()
    actions = ordered(_taken(_read(settings, events, target), sent, stop))
    if not actions and not stop.is_set():
        raise ConfigError(
            Code.FILE_INVALID, f"none of {sent.others} records is an action", where=events, hint="docs/replay.md"
        )
    options = kafka_options(settings, "patter-replay")
    producer = Producer(producer_config(options))
    try:
        known = producer.list_topics(timeout=METADATA_TIMEOUT_S).topics
    except KafkaException as error:
        raise unreachable(options.bootstrap, error.args[0].str()) from error
    if target not in known:
        raise LackingError(Code.TOPIC_MISSING, f"topic {target} does not exist", hint="create it first")

    def told(error: KafkaError | None, _message: Message) -> None:
        if error is None:
            sent.acknowledged += 1
        else:
            sent.failed = error.str()

    def put(due: Due) -> None:
        send(producer, target, due.value, due.key, on_delivery=told, timestamp=due.timestamp_ms)
        producer.poll(0)

    pace(schedule(actions, speed, times, now_ms()), put, producer.poll, time.monotonic, stop, sent)
    left = producer.flush(FLUSH_S)
    if left or sent.failed:
        raise LackingError(
            Code.BROKER_FAILED, f"{sent.sent - sent.acknowledged} records were not acknowledged: {sent.failed}"
        )
    return sent


def pace(
    due: Iterable[Due],
    put: Callable[[Due], None],
    wait: Callable[[float], object],
    clock: Callable[[], float],
    stop: Flag,
    sent: Sent,
) -> None:
    """Put each when it is due, none before the one ahead of it; `wait` passes at most so many seconds.

    Notes in `sent` how many there were and how far behind its time the latest was.
    """
    start = clock()
    for each in due:
        while not stop.is_set() and (ahead := start + each.at_s - clock()) > 0:
            wait(min(ahead, LONGEST_WAIT_S))
        if stop.is_set():
            sent.stopped = True
            return
        put(each)
        sent.sent += 1
        sent.behind_s = max(sent.behind_s, clock() - start - each.at_s)


def _topic(settings: Settings, name: str) -> str:
    known = topics_of(settings).get(name)
    return known.name if known is not None else name


def _read(settings: Settings, events: str, target: str) -> Iterator[Action | None]:
    path = Path(events)
    if path.exists():
        for number, line in byte_lines(path):
            bare = line.removeprefix(BOM) if number == 1 else line
            if bare.strip():
                yield action_in(bare)
        return
    if "/" in events or events.endswith((".jsonl", ".gz")):
        raise ConfigError(Code.FILE_MISSING, "no such file", where=events, hint="check the path")
    source = _topic(settings, events)
    if source == target:
        raise ConfigError(Code.USAGE, "the actions would be sent to where they come from", where=source)
    for record in read_topic(kafka_options(settings, "patter-replay"), source):
        yield action_of(record)


def _taken(found: Iterable[Action | None], sent: Sent, stop: Flag) -> Iterator[Action]:
    for each in found:
        if stop.is_set():
            sent.stopped = True
            return
        if each is None:
            sent.others += 1
        else:
            sent.actions += 1
            yield each
