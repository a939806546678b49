"""What is learned about, which policy follows, and what the feature store is told."""

import msgspec
import pytest
from learn_rig import ARMS, SETUP, cohorts, overview, prior, record

from inference.decide.acts import Act, resumed, rolled_back
from schemas.errors import Code, ConfigError, LackingError
from schemas.policies import PolicySnapshot
from streams.kafka.config import KafkaOptions
from streams.kafka.records import Record
from streams.learn import snapshots
from streams.learn.conversion import InForce
from streams.learn.policy import PolicyWriter
from streams.learn.snapshots import next_snapshot
from streams.learn.stats_store import StatsStore


def test_the_first_version_says_what_is_known() -> None:
    made = next_snapshot(SETUP, cohorts(record("good", impressions=100, clicks=50)), None, 7)
    assert made is not None
    assert (made.version, made.seed, made.created_ms, made.epsilon, made.draws) == (1, "x:1", 7, 0.1, 64)
    assert [(cell.category, cell.segment, set(cell.arms)) for cell in made.cells] == [("bags", "new", set(ARMS))]


def test_a_version_follows_only_a_change() -> None:
    known = cohorts(record("good", impressions=100, clicks=50))
    first = next_snapshot(SETUP, known, None, 7)
    assert first is not None
    assert next_snapshot(SETUP, known, first, 9) is None
    known.take([record("good", 2, impressions=101, clicks=50)])
    second = next_snapshot(SETUP, known, first, 9)
    assert second is not None
    assert (second.version, second.seed) == (2, "x:2")
    assert next_snapshot(msgspec.structs.replace(SETUP, epsilon=0.2), known, second, 9) is not None


def test_a_prior_that_somebody_set_stands_until_there_is_something_to_learn_from() -> None:
    assert next_snapshot(SETUP, cohorts(), prior(), 9) is None
    made = next_snapshot(SETUP, cohorts(record("good", impressions=1)), prior(), 9)
    assert made is not None
    assert made.version == 5
    fewer = next_snapshot(msgspec.structs.replace(SETUP, arms=ARMS[:2]), cohorts(), prior(), 9)
    assert fewer is not None
    assert set(fewer.prior) == set(ARMS[:2])


def test_nothing_is_published_over_a_kill_switch() -> None:
    known = cohorts(record("good", impressions=100, clicks=50))
    assert next_snapshot(SETUP, known, prior(kill=True), 9) is None
    made = next_snapshot(SETUP, known, prior(version=5), 9)
    assert made is not None
    assert made.version == 6
    assert not made.kill


def test_a_rollback_is_held_until_somebody_resumes_whatever_is_counted() -> None:
    known = cohorts(record("good", impressions=100, clicks=50))
    first = next_snapshot(SETUP, known, None, 7)
    assert first is not None
    held = rolled_back(prior(), first, Act("ann", "odd", 8))
    known.take([record("good", 2, impressions=900, clicks=50)])
    assert next_snapshot(SETUP, known, held, 9) is None
    resting = resumed(held, Act("ann", "fine again", 9))
    made = next_snapshot(SETUP, known, resting, 10)
    assert made is not None
    assert (made.version, made.held, made.cause) == (resting.version + 1, None, "learned")
    assert made.cells != first.cells


def test_settings_new_arms_and_p_conv_still_come_under_a_rollback() -> None:
    known = cohorts(record("good", impressions=100, clicks=50))
    first = next_snapshot(SETUP, known, None, 7)
    assert first is not None
    held = rolled_back(prior(), first, Act("ann", "odd", 8))
    wider = msgspec.structs.replace(SETUP, arms=(*ARMS, "late"), epsilon=0.2)
    made = next_snapshot(wider, known, held, 9)
    assert made is not None
    assert (made.version, made.held, made.epsilon, made.why) == (held.version + 1, held.held, 0.2, "settings")
    assert (made.cells, {arm: made.prior[arm] for arm in ARMS}) == (held.cells, held.prior)
    assert made.prior["late"] == next_snapshot(wider, known, None, 9).prior["late"]
    assert next_snapshot(wider, known, made, 9) is None
    texts = next_snapshot(wider, known, made, 9, InForce(None, "c2"))
    assert texts is not None
    assert (texts.conversion_version, texts.why, texts.cells, texts.held) == ("c2", "P_conv", held.cells, held.held)
    # Beliefs about the arms of another experiment hold nothing.
    other = next_snapshot(msgspec.structs.replace(SETUP, experiment="y"), known, held, 9)
    assert other is not None
    assert (other.experiment, other.held) == ("y", None)


def test_of_two_snapshots_with_one_version_the_first_on_the_topic_holds() -> None:
    """As on a broker without transactions, where a person and learn may publish at the same moment."""
    writer = PolicyWriter(KafkaOptions(bootstrap="nowhere:1"), SETUP, Counts(), lambda: 0, lambda _: None)

    def heed(snapshot: PolicySnapshot, offset: int) -> None:
        writer._heed([Record("policy", 0, offset, 0, b"policy", msgspec.json.encode(snapshot))])

    own, theirs = prior(version=5, by="learn"), prior(version=5, kill=True)
    heed(prior(version=4), 0)
    writer._newest = own
    heed(theirs, 1)
    assert writer._newest == theirs
    heed(own, 2)
    assert writer._newest == theirs
    writer._newest = later = prior(version=6, by="learn")
    heed(prior(version=3), 3)
    assert writer._newest == later


def test_cells_that_do_not_fit_into_a_record_are_left_to_the_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_BYTES", 2_000)
    records = [record("good", category=f"c{number}", impressions=number + 1) for number in range(40)]
    made = next_snapshot(SETUP, cohorts(*records), None, 9)
    assert made is not None
    assert len(msgspec.json.encode(made)) <= 2_000
    kept = {cell.category for cell in made.cells}
    assert kept == {f"c{number}" for number in range(40 - len(kept), 40)}
    assert kept


def test_rows_for_the_store_are_sums_over_categories_of_what_changed() -> None:
    known = overview(
        record("good", impressions=10, clicks=2, orders=3, impressed_orders=1, revenue_minor=500),
        record("good", category="shoes", impressions=30, clicks=6),
        record("bad", impressions=10),
        record("bad", segment="regular", impressions=5),
    )
    rows = {(row.view, row.keys): row.features for row in known.take_rows()}
    assert rows["copy_stats", (("variant_id", "good"), ("segment_id", "new"))] == {
        "impressions": 40,
        "clicks": 8,
        "carts": 0,
        "orders": 3,
        "revenue_minor": 500,
        "ctr": 0.2,
        "order_per_impression": 0.025,
    }
    assert rows["segment_stats", (("segment_id", "new"),)]["impressions"] == 50
    assert len(rows) == 5
    assert known.take_rows() == []
    known.take([record("bad", 2, segment="regular", impressions=6)])
    assert {(row.view, dict(row.keys)["segment_id"]) for row in known.take_rows()} == {
        ("copy_stats", "regular"),
        ("segment_stats", "regular"),
    }


def test_an_arms_counters_are_summed_over_its_cells() -> None:
    known = overview(
        record("good", impressions=10, clicks=2),
        record("good", category="shoes", segment="regular", impressions=30, orders=1),
        record("good", experiment="older", impressions=500),
        record("gone", impressions=500),
    )
    assert known.arms("x", ARMS) == {
        "template": {},
        "good": {"impressions": 40, "clicks": 2, "orders": 1},
        "bad": {},
    }


class Counts:
    def __init__(self) -> None:
        self.added: dict[str, float] = {}

    def add(self, name: str, value: float = 1.0, **labels: str) -> None:
        self.added[name] = self.added.get(name, 0) + value

    def set(self, name: str, value: float, **labels: str) -> None: ...
    def observe(self, name: str, value: float, **labels: str) -> None: ...


class Shelf:
    def __init__(self) -> None:
        self.rows: list[tuple[str, list[dict[str, object]], int]] = []
        self.error: Exception | None = None

    def write(self, view: str, rows: list[dict[str, object]], event_ms: int) -> int:
        if self.error:
            raise self.error
        self.rows.append((view, rows, event_ms))
        return len(rows)


def test_what_the_store_refuses_is_tried_again_with_newer_values() -> None:
    shelf, counts = Shelf(), Counts()
    stats = StatsStore(lambda: shelf, counts, lambda: 42)
    known = overview(record("good", impressions=10))
    stats.offer(known.take_rows())
    shelf.error = LackingError(Code.STORE_UNREACHABLE, "away")
    stats.write()
    assert counts.added == {"patter_feature_write_errors_total": 1}
    assert stats.waiting() == 2
    known.take([record("good", 2, impressions=11)])
    stats.offer(known.take_rows())
    shelf.error = None
    stats.write()
    assert [(view, [row["impressions"] for row in rows], at) for view, rows, at in shelf.rows] == [
        ("copy_stats", [11], 42),
        ("segment_stats", [11], 42),
    ]
    assert (shelf.rows[0][1][0]["variant_id"], stats.waiting()) == ("good", 0)


def test_a_store_without_these_views_is_said_so() -> None:
    shelf = Shelf()
    shelf.error = ConfigError(Code.FILE_INVALID, "there is no such view")
    stats = StatsStore(lambda: shelf, Counts(), lambda: 42)
    stats.write()
    stats.offer(overview(record("good", impressions=10)).take_rows())
    with pytest.raises(ConfigError):
        stats.write()


STYLES = {"template": {"template": 1.0}, "good": {"tone:warm": 1.0}, "poor": {"tone:bold": 1.0}}


def test_attributes_are_learned_about_where_the_settings_say_so() -> None:
    setup = msgspec.structs.replace(SETUP, styles=STYLES)
    known = cohorts(record("good", impressions=1_000, clicks=200), record("template", impressions=1_000, clicks=100))
    first = next_snapshot(setup, known, None, 7)
    assert first is not None
    assert first.contextual is not None
    assert first.cells
    assert next_snapshot(setup, known, first, 8) is None
    # What P_conv says of the texts of an arm moves where it begins.
    warmer = next_snapshot(setup, known, first, 8, warm={"good": 0.5})
    assert warmer is not None
    assert warmer.contextual is not None
    assert warmer.contextual.warm == {"good": 0.5}
    back = next_snapshot(SETUP, known, first, 9)
    assert back is not None
    assert back.contextual is None


def test_a_rollback_holds_what_was_believed_of_attributes() -> None:
    setup = msgspec.structs.replace(SETUP, styles=STYLES)
    first = next_snapshot(setup, cohorts(record("good", impressions=100, clicks=50)), None, 7)
    assert first is not None
    held = rolled_back(prior(), first, Act("ann", "odd", 8))
    assert held.contextual == first.contextual
    assert next_snapshot(setup, cohorts(record("good", impressions=900, clicks=50)), held, 9) is None


def test_a_prior_that_somebody_set_stands_for_attributes_too() -> None:
    setup = msgspec.structs.replace(SETUP, styles=STYLES)
    assert next_snapshot(setup, cohorts(), prior(), 9, warm={"good": 0.5}) is None
    made = next_snapshot(setup, cohorts(record("good", impressions=1)), prior(), 9)
    assert made is not None
    assert made.contextual is not None
