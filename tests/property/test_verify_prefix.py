"""The SQL recompute on any log: it is a function of the prefix, and no fault of one counter stays hidden."""

from feedback_log import DAY, HOUR, RULES, TOTAL, Log, line, token
from hypothesis import given, settings
from hypothesis import strategies as st

from patter.verify.check import differences, expected
from patter.verify.rules import OnlineSource
from schemas.cells import ARM_COUNTERS, TOTAL_COUNTERS
from schemas.shopper_sums import SHOPPER_COUNTERS

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["shown", "clicked", "carted", "ordered", "refunded", "viewed", "junk"]),
        st.integers(0, 3),
        st.sampled_from([0, 0, 1, 1_000, 60_000, HOUR, DAY]),
        st.sampled_from([0, 0, 1, 7 * DAY, 7 * DAY + 1]),
    ),
    min_size=1,
    max_size=25,
)


def log_of(steps: list[tuple[str, int, int, int]]) -> Log:
    log, now = Log(), 0
    for kind, number, step, behind in steps:
        now += step
        at, said = now - behind, token(number, arm=number, copy=number + 1)
        if kind in ("shown", "clicked", "carted"):
            getattr(log, kind)(said, at)
        elif kind == "ordered":
            log.ordered(f"o{number % 2}", line(number), line(number + 1, token=said), at=at)
        elif kind == "refunded":
            log.refunded(f"o{number % 2}", f"r{number}", *[{"line": number, "quantity": 1}] * (number % 3), at=at)
        elif kind == "viewed":
            log.viewed(at)
        else:
            log.raw(b"[]")
    return log


def source_of(log: Log, through: int) -> OnlineSource:
    records = log.records[: through + 1]
    cells = {cell: (through, counters) for cell, counters in expected({0: records}, RULES)[0].items()}
    # Junk has no time of its own.
    times = [timestamp for _, timestamp, value in records if value != b"[]"]
    return OnlineSource(cells=cells, through=through, high_ms=high_of(log, through) if times else 0)


def high_of(log: Log, through: int) -> int:
    return max(timestamp for _, timestamp, value in log.records[: through + 1] if value != b"[]")


@settings(max_examples=25, deadline=None)
@given(STEPS, st.data())
def test_what_follows_changes_nothing_of_a_prefix(steps: list[tuple[str, int, int, int]], data: st.DataObject) -> None:
    log = log_of(steps)
    through = data.draw(st.integers(0, len(log.records) - 1))
    assert differences({0: log.records}, {0: source_of(log, through)}, RULES) == []


@settings(max_examples=15, deadline=None)
@given(STEPS, st.data())
def test_one_wrong_counter_is_one_difference(steps: list[tuple[str, int, int, int]], data: st.DataObject) -> None:
    log = log_of(steps)
    through = len(log.records) - 1
    sound = source_of(log, through)
    cell = data.draw(st.sampled_from(sorted(sound.cells)))
    names = TOTAL_COUNTERS if cell == TOTAL else ARM_COUNTERS
    counter = data.draw(st.sampled_from(SHOPPER_COUNTERS if cell.startswith("shoppers|") else names))
    counters = sound.cells[cell][1]
    spoilt = {**counters, counter: counters.get(counter, 0) + 1}
    online = OnlineSource(cells={**sound.cells, cell: (through, spoilt)}, through=sound.through, high_ms=sound.high_ms)
    told = differences({0: log.records}, {0: online}, RULES)
    assert [(each.cell, each.field) for each in told] == [(cell, counter)]


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_rates_stay_between_0_and_1_and_cells_add_up(steps: list[tuple[str, int, int, int]]) -> None:
    log = log_of(steps)
    cells = expected({0: log.records}, RULES)[0]
    cohorts = [counters for cell, counters in cells.items() if cell.startswith("cohort|life|")]
    texts = [counters for cell, counters in cells.items() if cell.startswith("copy|life|")]
    for counters in (*cohorts, *texts):
        for part, whole in (
            ("clicks", "impressions"), ("imputed", "impressions"), ("clicked_carts", "clicks"),
            ("clicked_orders", "clicks"), ("impressed_orders", "impressions"), ("clicked_carts", "carts"),
        ):  # fmt: skip
            assert counters.get(part, 0) <= counters.get(whole, 0)
    total = cells[TOTAL]
    for name in ("impressions", "imputed", "clicks", "carts"):
        assert sum(counters.get(name, 0) for counters in cohorts) == total.get(name, 0)
        assert sum(counters.get(name, 0) for counters in texts) == total.get(name, 0)
    assert total.get("events", 0) + total.get("rejected", 0) == len(log.records)
