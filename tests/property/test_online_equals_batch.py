"""Online equals batch, whole: collect's worker over a log with everything that goes wrong, through aborted batches,
kills and a topic that is made anew, against the recompute in SQL.
"""

import msgspec
from collect_run import BATCH, run
from collect_topics import Topics
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_story import ACTS, Act, Story

from patter.verify.check import differences
from streams.kafka.records import Record

PLANS = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["commit", "commit", "abort", "kill"])), max_size=12)
LIVES = st.lists(st.tuples(ACTS, PLANS), min_size=1, max_size=2)


@settings(max_examples=40, deadline=None)
@given(LIVES)
def test_online_equals_batch_whatever_happens(lives: list[tuple[list[Act], list[tuple[int, str]]]]) -> None:
    topics = Topics()
    logs: dict[str, list[Record]] = {}
    for number, (acts, plan) in enumerate(lives):
        # A topic that was deleted and made anew begins at offset 0, and has another id; state and partials stay.
        topics.positions = {0: 0, 1: 0}
        logs[f"life{number}"] = Story().tell(acts)
        run(topics, f"life{number}", logs[f"life{number}"], plan)
    for incarnation, records in logs.items():
        logged: dict[int, list[tuple[int, int, bytes | None]]] = {0: [], 1: []}
        for record in records:
            logged[record.partition].append((record.offset, record.timestamp_ms, record.value))
        online = topics.online(incarnation)
        assert online.keys() == {partition for partition, stretch in logged.items() if stretch}
        spans = {partition: topics.spans(incarnation, partition) for partition in online}
        assert differences(logged, online, msgspec.structs.replace(BATCH, spans=spans)) == []
