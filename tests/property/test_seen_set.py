"""Duplicates are a function of the log: the seen-set equals a scan of the log, through aborts and restarts."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serve import native
from streams.serve.seen import SeenSet


@pytest.fixture(params=["compiled", "plain"], scope="module", autouse=True)
def half(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything here holds for both seen-sets."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "plain":
            patch.setattr(native, "module", None)
        yield


LOG = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60)


def scan(log: list[str], window: int) -> list[bool]:
    """The definition: an id stands at an offset in [o - window, o)."""
    return [log[o] in log[max(0, o - window) : o] for o in range(len(log))]


@given(LOG, st.integers(1, 20), st.lists(st.integers(1, 7), min_size=60, max_size=60), st.data())
def test_batches_aborts_and_restarts_change_nothing(
    log: list[str], window: int, sizes: list[int], data: st.DataObject
) -> None:
    expected = scan(log, window)
    seen, position = SeenSet(window), 0
    seen.start(0)
    verdicts: list[bool] = []
    for size in sizes:
        if position >= len(log):
            break
        what = data.draw(st.sampled_from(["commit", "commit", "abort", "restart"]))
        batch = range(position, min(position + size, len(log)))
        answers = [seen.judge(0, offset, log[offset]) for offset in batch]
        if what == "commit":
            seen.commit()
            verdicts += answers
            position = batch.stop
        elif what == "abort":
            seen.forget()
        else:
            seen = SeenSet(window)
            seen.start(0)
            for offset in range(max(0, position - window), position):
                seen.remember(0, offset, log[offset])
    assert verdicts == expected[: len(verdicts)]


@given(LOG, st.integers(1, 10))
def test_it_holds_no_more_than_two_windows(log: list[str], window: int) -> None:
    seen = SeenSet(window)
    seen.start(0)
    for offset, name in enumerate(log):
        seen.judge(0, offset, name)
        seen.commit()
        assert seen.sizes()[0] <= 2 * window + 1


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdef")), max_size=80), st.integers(1, 9), st.data())
def test_aborts_of_batches_over_several_partitions_change_nothing(
    events: list[tuple[int, str]], window: int, data: st.DataObject
) -> None:
    logs = {partition: [name for at, name in events if at == partition] for partition in range(3)}
    seen = SeenSet(window)
    for partition in logs:
        seen.start(partition)
    verdicts: dict[int, list[bool]] = {partition: [] for partition in logs}
    for _ in range(60):
        partition = data.draw(st.integers(0, 2))
        position = len(verdicts[partition])
        batch = range(position, min(position + data.draw(st.integers(1, 6)), len(logs[partition])))
        answers = [seen.judge(partition, offset, logs[partition][offset]) for offset in batch]
        if data.draw(st.booleans()):
            seen.commit()
            verdicts[partition] += answers
        else:
            seen.forget()
    for partition, found in verdicts.items():
        assert found == scan(logs[partition], window)[: len(found)]


def test_a_batch_read_again_after_an_abort_is_not_its_own_duplicate() -> None:
    seen = SeenSet(100)
    seen.start(0)
    assert [seen.judge(0, offset, name) for offset, name in enumerate("ab")] == [False, False]
    seen.forget()
    assert [seen.judge(0, offset, name) for offset, name in enumerate("ab")] == [False, False]
    # Even where the roll-back was not heard of, an id at the same offset is no earlier one.
    assert [seen.judge(0, offset, name) for offset, name in enumerate("ab")] == [False, False]


def test_partitions_do_not_know_each_other() -> None:
    seen = SeenSet(100)
    seen.start(0)
    seen.start(1)
    assert not seen.judge(0, 5, "a")
    assert not seen.judge(1, 6, "a")
