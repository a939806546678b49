"""Reach in collect: more products than a sketch holds, sketches that are late, lost, or were never there."""

import random
from itertools import pairwise

import msgspec
from collect_run import BATCH, TOPICS, worker
from collect_topics import Topics
from feedback_events import KEYS, NOW_MS

from features.aggregates.top import HELD
from patter.verify.check import differences
from schemas.sketches import ALL_TIME, DISTINCT, TOP, Name
from schemas.token import Claims, code_of, sign
from streams.kafka.records import Out, Record

LIFE = Name(TOP, "revenue_minor", ALL_TIME)


def token(number: int, product: str) -> str:
    claims = Claims(
        decision_id=number.to_bytes(16, "little"), time_ms=NOW_MS, propensity=0.5, holdout=False, excluded=False,
        experiment=code_of("x"), policy_version=1, arm=1, segment=1, category=1, product=code_of(product), copy=1,
    )  # fmt: skip
    return sign(claims, 1, KEYS[1])


def records(number: int, products: int) -> list[Record]:
    """Impressions and orders of several lines, of so many products, a few of which bring much."""
    drawn, made = random.Random(number), []
    for offset in range(number):
        names = [f"p{int(products * drawn.random() ** 2)}" for _ in range(3)]
        event: dict[str, object] = {
            "event_id": f"e{offset}",
            "user_id": f"u{drawn.randrange(200)}",
            "time": "2026-05-28T20:26:40Z",
        }
        if offset % 3:
            event |= {"kind": "copy_impression", "token": token(offset, names[0])}
        else:
            lines = [
                {"line": line, "product_id": name, "quantity": 1, "revenue_minor": drawn.randrange(1, 9_999),
                 "token": token(offset * 10 + line, name)}
                for line, name in enumerate(names)
            ]  # fmt: skip
            event |= {"kind": "order_placed", "order_id": f"o{offset}", "currency": "USD", "lines": lines}
        made.append(Record("events", 0, offset, NOW_MS, None, msgspec.json.encode(event)))
    return made


def count(topics: Topics, log: list[Record]) -> list[Out]:
    """One batch, by a worker that begins with what is committed."""
    collect = worker(topics, "life")
    outs = list(collect.step(log).outs)
    topics.commit(outs, {0: log[-1].offset + 1})
    collect.committed(log)
    return outs


def logged(log: list[Record]) -> dict[int, list[tuple[int, int, bytes | None]]]:
    return {0: [(record.offset, record.timestamp_ms, record.value) for record in log]}


def wrong(topics: Topics, log: list[Record]) -> list[object]:
    online = {0: topics.online("life")[0]}
    rules = msgspec.structs.replace(BATCH, spans={0: topics.spans("life", 0)})
    return list(differences(logged(log), online, rules))


def test_more_products_than_are_held_come_to_what_the_log_says() -> None:
    log, whole, broken = records(3_000, 4_000), Topics(), Topics()
    count(whole, log)
    cuts = [0, 3, 700, 1_500, 1_501, 3_000]
    for begin, end in pairwise(cuts):
        count(broken, log[begin:end])
    assert wrong(whole, log) == wrong(broken, log) == []
    straight, stepwise = (topics.online("life")[0].reach for topics in (whole, broken))
    assert straight is not None
    assert stepwise is not None
    top = straight.reach.top(LIFE)
    assert top.slack > 0
    assert len(top.lows()) <= HELD
    assert top.content() == stepwise.reach.top(LIFE).content()


def test_sketches_that_come_to_be_seen_later_are_waited_for() -> None:
    """The markers of one transaction reach the partitions of its topics one after the other."""
    log, topics = records(40, 10), Topics()
    count(topics, log[:20])
    before = {key: value for key, value in topics.state[0].items() if b"|counted|" in key}
    count(topics, log[20:])
    after = dict(topics.state[0])
    looks: list[int] = []

    class Late(Topics):
        def restore(self, partition: int) -> list[Out]:
            looks.append(partition)
            seen = after if looks.count(0) > 3 else {**after, **before, b"life:0|counted|1": None}
            return [Out("state", key, value) for key, value in seen.items()] if partition == 0 else []

    late = Late()
    late.positions = topics.positions
    found = worker(late, "life").sources[0].reached.written
    assert looks.count(0) == 4
    assert (found.since, found.through) == (0, 39)


def test_sketches_that_are_lost_are_counted_anew_and_say_from_where() -> None:
    log, topics = records(60, 10), Topics()
    count(topics, log[:30])
    topics.state[0] = {key: value for key, value in topics.state[0].items() if b"|counted|" not in key}
    count(topics, log[30:50])
    count(topics, log[50:])
    reach = topics.online("life")[0].reach
    assert reach is not None
    assert (reach.since, reach.through) == (30, 59)
    assert wrong(topics, log) == []


def test_a_source_of_a_version_without_sketches_begins_where_that_ended() -> None:
    log, topics = records(60, 10), Topics()
    count(topics, log[:30])
    kept = {key: value for key, value in topics.state[0].items() if b"|counted|" not in key}
    meta = msgspec.msgpack.decode(kept[b"life:0|m|"])
    topics.state[0] = {**kept, b"life:0|m|": msgspec.msgpack.encode(meta[:3])}
    # Nothing is counted in the first batch of the new version: where it begins is known all the same.
    nothing = Record("events", 0, 30, NOW_MS, None, b"junk")
    moved = [msgspec.structs.replace(record, offset=record.offset + 1) for record in log[30:]]
    count(topics, [nothing])
    count(topics, moved)
    reach = topics.online("life")[0].reach
    assert reach is not None
    assert (reach.since, reach.through) == (30, 60)
    assert wrong(topics, [*log[:30], nothing, *moved]) == []


def test_they_stand_in_the_partition_of_their_events_and_hold_no_name() -> None:
    log, topics = records(12, 10), Topics()
    outs = [out for out in count(topics, log) if out.topic == TOPICS.sketches]
    assert {out.partition for out in outs} == {0}
    assert not any(b'"u' in (out.value or b"") for out in outs)
    reach = topics.online("life")[0].reach
    assert reach is not None
    assert reach.reach.distinct(Name(DISTINCT, "impressions", ALL_TIME)).estimate().value == len(
        {msgspec.json.decode(record.value or b"")["user_id"] for record in log if record.offset % 3}
    )
