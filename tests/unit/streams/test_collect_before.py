"""What was known of a shopper before an experiment: by hand, by a plain count, and as the recompute in SQL has it."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pytest
from feedback_log import DAY, KEYS, RULES, START_MS, Log, line, token

from inference.decide.assign import Holdout
from patter.verify.carried import Carried, Keep, opened
from patter.verify.check import compared, expected
from patter.verify.rows import Rows
from patter.verify.rules import OnlineSource
from schemas.agents import rules_of_parts
from schemas.cells import DAY_MS
from schemas.decode import decode_event
from schemas.shopper_sums import BEFORE, HELD_OUT, RATIOS, SHOPPER_DAYS, SUMMED, UNIT, counted_weight
from schemas.token import code_of
from streams.collect import shopper
from streams.collect.changelog import Restoring, changes
from streams.collect.rules import Rules
from streams.collect.source import Source

HOLDOUT = Holdout("x", "salt", 0.5)
BATCH = msgspec.structs.replace(RULES, holdout=HOLDOUT)
LIMITS: dict[str, Any] = {"lateness_ms": 7 * DAY_MS, "max_copies": 50}
AGENTS = rules_of_parts("bot")
ONLINE = Rules(keys=KEYS, currency="USD", agents=AGENTS, max_cells=50, holdout=HOLDOUT, **LIMITS)
OTHER = "ffffffff|ffffffff|ffffffff|ffffffff"


def counted(log: Log, most: int = 50) -> dict[str, dict[str, int]]:
    """Cells of the family shoppers by EXPERIMENT|ARM; the recompute in SQL has every cell alike."""
    source = Source("t:0", msgspec.structs.replace(ONLINE, max_cells=most))
    for offset, timestamp, value in log.records:
        source.take(offset, decode_event(value, timestamp))
        source.counts.expire()
    found = {cell.text(): counters for cell, counters in source.counts.everything()}
    assert found == expected({0: log.records}, msgspec.structs.replace(BATCH, max_cells=most))[0]
    pairs = {cell.removeprefix("shoppers|life|"): counters for cell, counters in found.items() if "shoppers|" in cell}
    return {pair if pair == OTHER else f"{pair[:8]}|{pair[-8:]}": counters for pair, counters in pairs.items()}


def said(number: int, experiment: int, at: int = 0, **more: object) -> str:
    return token(number, START_MS + at, experiment=experiment, **{"propensity": 1.0, **more})


def name_of(experiment: int, arm: int = 4) -> str:
    return f"{experiment:08x}|{arm:08x}"


def before(counters: dict[str, int]) -> tuple[int, int]:
    """Sums of what was known, in decisions."""
    impressions, clicks = (counters.get(name, 0) for name in BEFORE)
    return impressions // UNIT, clicks // UNIT


def test_it_is_what_was_brought_to_other_experiments_and_does_not_change_after_that() -> None:
    log = Log()
    for number in (1, 2, 3):
        log.shown(said(number, 1), user_id="ann")
    log.clicked(said(1, 1), user_id="ann")
    log.shown(said(4, 2), user_id="ann")
    log.shown(said(4, 2), user_id="bob")
    # After it was met: neither counts.
    log.clicked(said(2, 1), user_id="ann")
    log.shown(said(5, 1), user_id="bob")
    log.clicked(said(4, 2), user_id="ann")
    found = counted(log)
    assert found[name_of(2)] == {
        "shoppers": 2,
        "impressions": 2 * UNIT,
        "impressions_squared": 2 * UNIT**2,
        "clicks": UNIT,
        "clicks_squared": UNIT**2,
        "clicks_by_impressions": UNIT**2,
        "before_impressions": 3 * UNIT,
        "before_clicks": UNIT,
        "before_impressions_squared": 9 * UNIT**2,
        "before_clicks_squared": UNIT**2,
        "before_impressions_by_before_clicks": 3 * UNIT**2,
        "impressions_by_before_impressions": 3 * UNIT**2,
        "clicks_by_before_impressions": 3 * UNIT**2,
        "impressions_by_before_clicks": UNIT**2,
        "clicks_by_before_clicks": UNIT**2,
    }
    # Bob met 2 first.
    assert before(found[name_of(1)]) == (1, 0)


def test_other_arms_of_the_same_experiment_tell_nothing() -> None:
    log = Log()
    log.clicked(said(1, 1, arm=4))
    log.clicked(said(2, 1, arm=5))
    log.clicked(said(3, 2, arm=5))
    found = counted(log)
    assert before(found[name_of(1, 5)]) == (0, 0)
    assert before(found[name_of(2, 5)]) == (2, 2)


def test_pairs_past_the_limit_tell_nothing_and_are_told_nothing() -> None:
    log = Log()
    for number in range(1, 5):
        log.clicked(said(number, number))
    found = counted(log, 2)
    assert (before(found[name_of(2)]), before(found[OTHER])) == ((1, 1), (0, 0))
    log.shown(said(9, 1, arm=5), user_id="eve")
    log.shown(said(10, 1), user_id="eve")
    assert before(counted(log, 2)[name_of(1)]) == (0, 0)


def test_pairs_by_intent_to_treat_are_told_nothing() -> None:
    log = Log()
    log.clicked(said(1, 1))
    log.ordered("o", line(revenue=100), at=1)
    # Where an arm has that name, too.
    log.shown(said(2, 2, arm=code_of(HELD_OUT)))
    log.shown(said(3, 3))
    found = counted(log)
    groups = [counters for pair, counters in found.items() if pair[:8] == f"{code_of('x'):08x}"]
    assert [before(each) for each in (*groups, found[name_of(2, code_of(HELD_OUT))])] == [(0, 0), (0, 0)]
    assert before(found[name_of(3)]) == (1, 1)


@pytest.mark.parametrize(("days", "known"), [(SHOPPER_DAYS, 1), (SHOPPER_DAYS + 1, 0)])
def test_what_is_forgotten_tells_nothing(days: int, known: int) -> None:
    log, at = Log(), days * DAY
    log.shown(said(1, 1))
    log.shown(said(2, 2, at), at)
    assert before(counted(log)[name_of(2)]) == (known, 0)


def test_who_comes_back_as_a_new_shopper_is_known_anew() -> None:
    log, at = Log(), (SHOPPER_DAYS + 1) * DAY
    log.shown(said(1, 2))
    log.clicked(said(2, 1, at), at)
    log.shown(said(3, 2, at), at)
    found = counted(log)[name_of(2)]
    assert (found["shoppers"], before(found)) == (2, (1, 1))


def test_an_order_of_two_experiments_knows_what_stood_before_it() -> None:
    log = Log()
    log.clicked(said(1, 1))
    lines = (line(1, token=said(2, 2)), line(2, token=said(3, 3)), line(3, token=said(1, 1)))
    log.ordered("o", *lines, at=1)
    found = counted(log)
    assert [before(found[name_of(number)]) for number in (1, 2, 3)] == [(0, 0), (1, 1), (1, 1)]
    assert found[name_of(3)]["orders_by_before_clicks"] == UNIT**2
    # Whoever sends the refund.
    log.refunded("o", "r", at=2, user_id="somebody")
    assert counted(log)[name_of(3)]["refunds_by_before_impressions"] == UNIT**2


def test_decisions_count_with_their_weights() -> None:
    log = Log()
    # A decision that was drawn with 2^-20 weighs 2^36.
    for number in range(4):
        log.shown(said(number, 1, propensity=2.0**-20))
    log.shown(said(9, 2))
    assert counted(log)[name_of(2)]["before_impressions"] == 4 << 36


def test_a_plain_count_of_raw_events_comes_to_the_same() -> None:
    drawn, log = np.random.Generator(np.random.PCG64(4)), Log()
    brought: defaultdict[str, defaultdict[int, np.ndarray]] = defaultdict(lambda: defaultdict(lambda: np.zeros(2, int)))
    known: defaultdict[int, dict[str, np.ndarray]] = defaultdict(dict)
    for number in range(600):
        user, experiment = f"u{drawn.integers(30)}", int(drawn.integers(1, 4))
        propensity = (1.0, 0.5, 0.2)[number % 3]
        if user not in known[experiment]:
            others = [sums for other, sums in brought[user].items() if other != experiment]
            known[experiment][user] = sum(others, np.zeros(2, int))
        clicks = drawn.random() < 0.3
        (log.clicked if clicks else log.shown)(said(number, experiment, propensity=propensity), user_id=user)
        brought[user][experiment] = brought[user][experiment] + counted_weight(propensity) * np.array([1, clicks])
    found = counted(log)
    for experiment, users in known.items():
        own = found[name_of(experiment)]
        a, b = np.array([users[user] for user in sorted(users)], dtype=object).T
        x, y = np.array([brought[user][experiment] for user in sorted(users)], dtype=object).T
        assert own["shoppers"] == len(users)
        told = {
            "before_impressions": a, "before_clicks": b, "before_impressions_squared": a * a,
            "before_clicks_squared": b * b, "before_impressions_by_before_clicks": a * b,
            "impressions_by_before_impressions": x * a, "clicks_by_before_impressions": y * a,
            "impressions_by_before_clicks": x * b, "clicks_by_before_clicks": y * b,
        }  # fmt: skip
        assert {name: own[name] for name in told} == {name: each.sum() for name, each in told.items()}


def older(source: Source) -> Source:
    """The source from state as it was before any of this was kept: entries and sums end earlier."""
    summed = 1 + 2 * len(SUMMED) + len(RATIOS)
    restoring = Restoring(Source("t:0", ONLINE))
    for key, value in changes(source, []):
        kept = value
        if key.startswith(b"t:0|n|"):
            kept = msgspec.msgpack.encode(msgspec.msgpack.decode(value or b"")[:summed])
        elif key.startswith(b"t:0|s|"):
            known = shopper.opened(value)
            known.brought = [entry[: 2 + len(SUMMED)] for entry in known.brought]
            kept = shopper.closed(known)
        restoring.put(key, kept)
    return restoring.finish()


def rows_of(log: Log, begin: int, carried: Carried | None = None) -> Rows:
    rows = Rows(BATCH, None if carried is None else carried.names)
    for offset, timestamp, value in log.records[begin:]:
        rows.put(0, offset, timestamp, value)
    return rows


def test_older_state_is_counted_on_and_so_is_an_older_checkpoint(tmp_path: Path) -> None:
    """Of shoppers whom a pair knew by then nothing was known before."""
    log, path = Log(), tmp_path / "state.duckdb"
    log.clicked(said(1, 1))
    log.shown(said(2, 2))
    cut = len(log.records)
    source = Source("t:0", ONLINE)
    for offset, timestamp, value in log.records:
        source.take(offset, decode_event(value, timestamp))
    assert compared(rows_of(log, 0), {}, BATCH, keep=Keep(path=path, through={0: cut - 1})) == []
    with duckdb.connect(str(path)) as connection:
        for name in BEFORE:
            connection.execute(f"ALTER TABLE standing DROP COLUMN {name}")
        connection.execute("DELETE FROM cell WHERE contains(counter, 'before_')")
    log.clicked(said(3, 2))
    log.shown(said(4, 3))
    again = older(source)
    for offset, timestamp, value in log.records[cut:]:
        again.take(offset, decode_event(value, timestamp))
    through = len(log.records) - 1
    cells = {cell.text(): (through, counters) for cell, counters in again.counts.everything()}
    known = {cell[14:22]: before(counters) for cell, (_, counters) in cells.items() if cell.startswith("shoppers|")}
    assert known == {"00000001": (0, 0), "00000002": (0, 0), "00000003": (3, 2)}
    online = {0: OnlineSource(cells=cells, through=through, high_ms=again.counts.high_ms)}
    carried = opened(path, {0: cut - 1})
    assert compared(rows_of(log, cut, carried), online, BATCH, carried) == []
    # From the beginning it is seen that what was before had not been kept.
    assert {each.field for each in compared(rows_of(log, 0), online, BATCH)} >= set(BEFORE)
