"""What a text did on each day: counted by the decision's day, kept for a fortnight, and found again after a restart."""

from schemas.agents import NO_RULES
from schemas.cells import COPY, DAY_MS, LIFE, TEXT_DAY, ArmCell, bucket_name
from streams.collect.changelog import Restoring, changes
from streams.collect.rules import Rules
from streams.collect.source import Source

DAY = 20_000
START_MS = DAY * DAY_MS
RULES = Rules(keys={}, currency="USD", agents=NO_RULES, lateness_ms=7 * DAY_MS, max_cells=9, max_copies=9)


def counted() -> Source:
    """A text that was shown on one day, and clicked on the next."""
    source = Source("t:0", RULES)
    counts = source.counts
    arm, copy = counts.arms.number_of(ArmCell(1, 2, 3, 4)), counts.copies.number_of(ArmCell(1, 2, 3, 5))
    counts.high_ms = START_MS + DAY_MS - 1
    counts.add(arm, copy, START_MS + DAY_MS - 1, START_MS + DAY_MS - 1, {"impressions": 1})
    counts.high_ms = START_MS + DAY_MS
    counts.add(arm, copy, START_MS + DAY_MS, START_MS + DAY_MS - 1, {"clicks": 1})
    source.through = 1
    return source


def copies(source: Source) -> dict[str, dict[str, int]]:
    return {cell.bucket: counters for cell, counters in source.counts.everything() if cell.family == COPY}


def test_a_click_of_the_next_morning_stands_in_the_day_of_the_decision() -> None:
    both = {"impressions": 1, "clicks": 1}
    assert copies(counted()) == {bucket_name(TEXT_DAY, START_MS): both, LIFE: both}


def test_a_texts_day_is_gone_a_fortnight_after_its_end_and_the_arms_stays() -> None:
    source = counted()
    source.counts.high_ms = START_MS + 15 * DAY_MS - 1
    source.counts.expire()
    assert len(copies(source)) == 2
    source.counts.high_ms += 1
    assert [source.counts.cell(place).family for place in source.counts.expire()] == [COPY]
    assert set(copies(source)) == {LIFE}
    left = {(cell.family, cell.bucket.partition(":")[0]) for cell, _ in source.counts.everything()}
    assert left == {("total", LIFE), ("cohort", LIFE), ("cohort", "1d"), (COPY, LIFE)}


def test_a_source_that_is_restored_holds_the_same_days() -> None:
    source = counted()
    restoring = Restoring(Source("t:0", RULES))
    for key, value in changes(source, []):
        restoring.put(key, value)
    assert copies(restoring.finish()) == copies(source)
