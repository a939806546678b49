"""What came back, recounted from partials, metrics and policies: newest of each, this run's alone."""

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from heard import ARMS
from hypothesis import given
from hypothesis import strategies as st

from inference.decide.policy import fixed_prior
from patter.demo.audience_truth import TruthTable
from patter.demo.recount_feedback import LifetimeCells, PolicyVersions, TotalCells, cells, feedback
from patter.demo.regret import Choice, Regret
from schemas.cells import LIFE, TOTAL, ArmCell, Cell
from schemas.partials import CellMetrics, Partial, Progress, Rate, partial_key, progress_key
from streams.kafka.dump import DumpRecord

TRUTH = TruthTable(1, ARMS)
KEYS = {
    "impressions",
    "imputed",
    "clicks",
    "carts",
    "orders",
    "refunds",
    "revenue_minor",
    "currency",
    "duplicates",
    "suppressed",
    "suppressed_by",
    "late",
    "token_invalid",
    "match",
}


def _record(key: str, value: object, offset: int = 0) -> DumpRecord:
    encoded = None if value is None else msgspec.json.encode(value)
    return DumpRecord("t", 0, offset, 0, key.encode(), encoded)


def _partial(source: str, through: int, cell: Cell = TOTAL, **counters: int) -> DumpRecord:
    text = cell.text()
    return _record(
        partial_key(source, text), Partial(source=source, cell=text, through=through, counters=counters), through
    )


def test_the_newest_total_of_each_source_is_taken_whatever_came_last() -> None:
    totals = TotalCells()
    for record in (
        _partial("id:0", 10, impressions=4),
        _partial("id:0", 30, impressions=9, clicks=2),
        _partial("id:0", 20, impressions=7),
        _partial("id:1", 5, impressions=1),
        _partial("id:1", 9, Cell("flow", "1m:60", ArmCell(1, 2, 3, 4)), impressions=99),
        _record(progress_key("id:1"), Progress(source="id:1", through=50, high_ms=1)),
        _record(partial_key("id:1", TOTAL.text()), None),
    ):
        totals.partial(record)
    assert totals.totals() == {"id:0": {"impressions": 9, "clicks": 2}, "id:1": {"impressions": 1}}
    assert totals.undecodable == 0
    totals.partial(DumpRecord("t", 0, 0, 0, f"id:2|{TOTAL.text()}".encode(), b"{"))
    assert totals.undecodable == 1


@given(
    st.lists(st.tuples(st.sampled_from(["a:0", "a:1", "b:0"]), st.integers(0, 50)), min_size=1, max_size=40),
    st.randoms(use_true_random=False),
)
def test_order_and_repeats_of_partials_do_not_matter(written: list[tuple[str, int]], chance: random.Random) -> None:
    records = [_partial(source, through, impressions=through * 3) for source, through in written]
    totals = TotalCells()
    shuffled = records + records[: len(records) // 2]
    chance.shuffle(shuffled)
    for record in shuffled:
        totals.partial(record)
    assert totals.totals() == {
        source: {"impressions": 3 * max(through for other, through in written if other == source)}
        for source, _ in written
    }


def test_feedback_is_what_was_added_since_the_run_began() -> None:
    now = {
        "id:0": {"impressions": 90, "clicks": 20, "imputed": 2, "carts": 5, "orders": 4, "refunds": 1, "late": 3}
        | {"revenue_minor": 5_000, "match_token": 2, "match_none": 7, "token_invalid": 4, "duplicates": 6},
        "id:1": {"impressions": 10, "match_session": 1, "match_inferred": 2, "events": 500}
        | {"suppressed": 3, "suppressed:crawler": 3},
        "old:0": {"impressions": 1_000},
    }
    before = {"id:0": {"impressions": 40, "match_none": 5}, "old:0": {"impressions": 1_000}}
    found = feedback(now, before, "USD")
    assert set(found) == KEYS
    assert found["impressions"] == 60
    assert (found["clicks"], found["imputed"], found["carts"], found["orders"], found["refunds"]) == (20, 2, 5, 4, 1)
    assert (found["revenue_minor"], found["currency"]) == (5_000, "USD")
    assert (found["duplicates"], found["late"], found["token_invalid"]) == (6, 3, 4)
    assert (found["suppressed"], found["suppressed_by"]) == (3, {"crawler": 3})
    assert found["match"] == {"token": 2, "session": 1, "inferred": 2, "none": 2}


def _metrics(revision: int, bucket: str = LIFE, family: str = "cohort", **changes: Any) -> CellMetrics:
    fields: dict[str, Any] = {
        "family": family,
        "bucket": bucket,
        "experiment": "default",
        "category": "shoes",
        "segment": "new",
        "variant": "warm",
        "counters": {"impressions": 200, "clicks": 50, "orders": 3, "revenue_minor": 700},
        "sources": {},
        "revision": revision,
        "rates": {
            "ctr": Rate(0.25, 0.2, 0.3),
            "cart_per_click": Rate(0.1, 0.0, 0.2),
            "order_per_impression": Rate(0.015, 0.0, 0.1),
            "order_per_click": Rate(None, None, None),
        },
    }
    return CellMetrics(**{**fields, **changes})


def test_the_newest_revision_of_a_cell_is_taken_and_removed_cells_are_gone() -> None:
    newest = LifetimeCells()

    def put(arm: int, cell: CellMetrics | None, family: str = "cohort", bucket: str = LIFE) -> None:
        record = _record(Cell(family, bucket, ArmCell(1, 2, 3, arm)).text(), cell)
        newest.metrics(record.key, record.value)

    put(1, _metrics(5))
    put(1, _metrics(4, counters={"impressions": 1}))
    put(2, _metrics(1, variant="bold"))
    put(2, None)
    put(3, _metrics(1, bucket="1d:0"), bucket="1d:0")
    put(4, _metrics(1, family="flow", bucket="1m:0"), "flow", "1m:0")
    put(5, _metrics(1, category="bags"))
    newest.metrics(None, b"{}")
    assert [(cell.category, cell.variant, cell.revision) for cell in newest.cells()] == [
        ("bags", "warm", 1),
        ("shoes", "warm", 5),
    ]
    assert newest.undecodable == 0
    newest.metrics(b"cohort|life|1", b"{")
    assert newest.undecodable == 1


def test_cells_stand_beside_their_truth() -> None:
    (cell,) = cells([_metrics(5)], TRUTH, [("shoes", "new")])
    true = TRUTH.of("shoes", "new")["warm"]
    assert cell == {
        "experiment": "default",
        "category": "shoes",
        "segment": "new",
        "variant": "warm",
        "impressions": 200,
        "clicks": 50,
        "carts": 0,
        "orders": 3,
        "revenue_minor": 700,
        "ctr": 0.25,
        "ctr_low": 0.2,
        "ctr_high": 0.3,
        "cart_per_click": 0.1,
        "order_per_impression": 0.015,
        "order_per_click": None,
        "true_ctr": round(true.ctr, 6),
        "true_order_per_impression": round(true.order_per_impression, 6),
    }


def test_what_was_not_simulated_has_no_truth_and_what_is_not_known_is_null() -> None:
    found = cells(
        [_metrics(1, category="ffffffff"), _metrics(1, variant="retired"), _metrics(1, rates={})],
        TRUTH,
        [("shoes", "new")],
    )
    assert [cell["true_ctr"] for cell in found[:2]] == [None, None]
    assert found[2]["true_ctr"] is not None
    assert found[2]["ctr"] is None
    assert found[2]["order_per_click"] is None


def test_the_section_policy_counts_versions_and_takes_the_shares() -> None:
    versions, regret = PolicyVersions(), Regret(TRUTH)
    for version in (4, 5, 5, 6):
        snapshot = fixed_prior(
            version=version,
            experiment="default",
            arms=ARMS,
            epsilon=0.05,
            draws=64,
            created_ms=version * 1_000,
            by="learn",
            why="",
        )
        versions.policy(_record(str(version), snapshot))
    for place in range(600):
        regret.choice(
            Choice(
                datetime.fromtimestamp(6.5 + place / 1e4, UTC),
                "shoes",
                "show",
                "new",
                TRUTH.best("shoes", "new"),
                dict.fromkeys(ARMS, 0.25),
                6,
            )
        )
    section = versions.section(regret)
    assert section["versions"] == 3
    assert section["update_age_s"] == pytest.approx(0.53, abs=0.001)
    assert (section["best_share_first"], section["best_share_last"], section["regret_per_1000"]) == (1.0, 1.0, 0.0)
    empty = PolicyVersions().section(Regret(TRUTH))
    assert empty == {
        "versions": 0,
        "update_age_s": None,
        "best_share_first": None,
        "best_share_last": None,
        "best_share_last_low": None,
        "regret_per_1000": None,
        "uniform_regret_per_1000": None,
        "decisions_compared": 0,
    }
