"""Definitions, loads and writes on a real SQLite store: once, again, out of order, and by Feast's own commands."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.store import FeatureOptions, open_reader
from features.store import apply as applying
from features.store.apply import apply
from features.store.folder import online_path, own_folder, registry_path
from features.store.load import materialize, rematerialize
from features.store.opening import open_store
from features.store.writer import BATCH, StoreWriter, write_rows
from features.views import SERVICES, VIEWS
from patter.cli.features import app
from schemas.catalog import Product
from schemas.errors import Code, ConfigError, LackingError

pytestmark = pytest.mark.integration

NOW_MS = 1_800_000_000_000


@pytest.fixture
def options(tmp_path: Path) -> FeatureOptions:
    options = FeatureOptions(data_dir=str(tmp_path / "data"))
    apply(options)
    return options


def values(options: FeatureOptions, view: str, key: str, id_: str = "u1") -> object:
    reader = open_reader(options)
    row = reader.read({"user_id": [id_], "product_id": [id_]}, NOW_MS)[view][id_]
    reader.close()
    return row.values[key] if row.values is not None else None


def test_what_is_applied_is_what_the_data_says(options: FeatureOptions) -> None:
    store = open_store(options)
    services = {service.name: service for service in store.list_feature_services()}
    for spec in SERVICES:
        service = services[spec.name]
        assert [projection.name for projection in service.feature_view_projections] == list(spec.views)
        assert (service.owner, service.description) == (spec.owner, spec.about)
        assert service.tags == {"consumer": spec.consumer, "version": "1"}
    views = {view.name: view for view in store.list_feature_views()}
    for view in VIEWS:
        found = views[view.name]
        assert {field.name for field in found.features} == set(view.features)
        assert {column.name for column in found.entity_columns} == set(view.keys)
        assert found.ttl == timedelta(seconds=view.ttl_s)
        assert (found.owner, found.description) == (view.owner, view.about)
        assert (found.stream_source is not None) is view.push
    assert {entity.name for entity in store.list_entities()} >= {"user", "product", "variant", "segment"}


def test_to_apply_again_does_nothing(options: FeatureOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(options: FeatureOptions) -> None:
        raise AssertionError("applied again")

    monkeypatch.setattr(applying, "_apply", unexpected)
    assert apply(options).changed is False


@pytest.mark.parametrize("lost", ["registry", "online", "mark", "another store"])
def test_to_apply_again_mends_what_is_gone_or_changed(
    options: FeatureOptions, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    if lost == "registry":
        registry_path(options).unlink()
    elif lost == "online":
        online_path(options).unlink()
    elif lost == "mark":
        (own_folder(options) / "applied.json").write_text("{broken")
    else:
        monkeypatch.setattr(applying, "_digest", lambda options: "other")
    assert apply(options).changed is True
    assert values(options, "user_profile", "orders_90d") is None


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LackingError) as caught:
        apply(FeatureOptions(data_dir=str(tmp_path / "file")))
    assert caught.value.code is Code.STORE_UNREACHABLE


def test_files_become_rows(options: FeatureOptions) -> None:
    product = Product(
        product_id="p1", name="Bag", category="bags", price_minor=1, currency="EUR", rating=4.5, discount_percent=10
    )
    users = ({"user_id": f"u{number}", "orders_90d": number, "junk": 1} for number in range(BATCH + 5))
    loaded = materialize(options, users, [product, {"product_id": "p2", "stock": 3}], now_ms=NOW_MS)
    assert (loaded.users, loaded.products) == (BATCH + 5, 2)
    assert values(options, "user_profile", "orders_90d", f"u{BATCH + 4}") == BATCH + 4
    assert values(options, "product_catalog", "category", "p1") == "bags"
    assert values(options, "product_catalog", "stock", "p2") == 3


def test_a_later_load_replaces_whole_rows(options: FeatureOptions) -> None:
    materialize(options, [{"user_id": "u1", "orders_90d": 1, "locale": "en"}], now_ms=NOW_MS)
    materialize(options, [{"user_id": "u1", "orders_90d": 2}], now_ms=NOW_MS + 5)
    assert values(options, "user_profile", "orders_90d") == 2
    assert values(options, "user_profile", "locale") is None


def test_feast_can_materialize_what_was_loaded_nulls_included(options: FeatureOptions) -> None:
    materialize(options, [{"user_id": "u1", "orders_90d": None, "avg_order_minor": 1999}], now_ms=NOW_MS)
    materialize(options, [{"user_id": "u2", "orders_90d": 4}], now_ms=NOW_MS)
    online_path(options).unlink()
    apply(options)
    assert values(options, "user_profile", "orders_90d", "u2") is None
    day = datetime.fromtimestamp(NOW_MS / 1000, tz=UTC)
    assert rematerialize(options, day - timedelta(days=1), day + timedelta(days=1)) == ["user_profile"]
    assert values(options, "user_profile", "orders_90d", "u2") == 4
    assert values(options, "user_profile", "orders_90d", "u1") is None
    assert values(options, "user_profile", "avg_order_minor", "u1") == 1999


def test_a_load_that_breaks_off_leaves_the_history_as_it_was(options: FeatureOptions) -> None:
    materialize(options, [{"user_id": "u1"}], now_ms=NOW_MS)
    parquet = own_folder(options) / "offline" / "user_profile.parquet"
    before = parquet.read_bytes()
    rows = [{"user_id": f"u{number}"} for number in range(BATCH)] + [{"user_id": "bad", "orders_90d": "many"}]
    with pytest.raises(ConfigError) as caught:
        materialize(options, rows, now_ms=NOW_MS)
    assert caught.value.where == "user_profile:orders_90d"
    assert parquet.read_bytes() == before
    assert [path.name for path in parquet.parent.iterdir()] == ["user_profile.parquet"]


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"user_id": "", "views_1h": 1}, "user_activity: user_id"),
        ({"user_id": None}, "user_activity: user_id"),
        ({"user_id": 5}, "user_activity: user_id"),
        ({"views_1h": 1}, "user_activity"),
        ({"user_id": "u", "views_1h": 1.5}, "user_activity:views_1h"),
        ({"user_id": "u", "views_1h": True}, "user_activity:views_1h"),
        ({"user_id": "u", "views_1h": 2**63}, "user_activity:views_1h"),
        ({"user_id": "u", "last_category": 5}, "user_activity:last_category"),
    ],
)
def test_a_row_that_does_not_fit_is_named_before_its_batch_is_written(
    options: FeatureOptions, row: dict[str, object], where: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        write_rows(options, "user_activity", [{"user_id": "u1", "views_1h": 1}, row], NOW_MS)
    assert caught.value.where == where
    assert values(options, "user_activity", "views_1h") is None


def test_an_unknown_view_is_named(options: FeatureOptions) -> None:
    with pytest.raises(ConfigError, match="no feature view 'nope'"):
        write_rows(options, "nope", [{"user_id": "u1"}], NOW_MS)


def test_an_older_row_never_replaces_a_newer_one(options: FeatureOptions) -> None:
    writer = StoreWriter.open(options)
    assert writer.write("user_activity", [{"user_id": "u1", "views_1h": 2}], NOW_MS) == 1
    assert writer.write("user_activity", [{"user_id": "u1", "views_1h": 1}], NOW_MS - 1) == 0
    assert values(options, "user_activity", "views_1h") == 2
    # Nor after a restart, when the writer has to ask the store.
    another = StoreWriter.open(options)
    rows = [{"user_id": "u1", "views_1h": 1}, {"user_id": "u2", "views_1h": 1}]
    assert another.write("user_activity", rows, NOW_MS - 1_000) == 1
    assert values(options, "user_activity", "views_1h") == 2
    assert values(options, "user_activity", "views_1h", "u2") == 1


def test_of_rows_of_the_same_time_the_last_counts(options: FeatureOptions) -> None:
    writer = StoreWriter.open(options)
    writer.write("user_activity", [{"user_id": "u1", "views_1h": 1}, {"user_id": "u1", "views_1h": 2}], NOW_MS)
    assert values(options, "user_activity", "views_1h") == 2
    writer.write("user_activity", [{"user_id": "u1", "views_1h": 3}], NOW_MS)
    assert values(options, "user_activity", "views_1h") == 3


def test_views_of_two_keys_are_written_and_read_by_feast(options: FeatureOptions) -> None:
    row = {"variant_id": "v1", "segment_id": "s1", "impressions": 10, "clicks": 1, "ctr": 0.1}
    write_rows(options, "copy_stats", [row], NOW_MS)
    store = open_store(options)
    answer = store.get_online_features(
        features=["copy_stats:ctr", "copy_stats:orders"],
        entity_rows=[{"variant_id": "v1", "segment_id": "s1"}, {"variant_id": "s1", "segment_id": "v1"}],
    ).to_dict()
    assert (answer["ctr"], answer["orders"]) == ([0.1, None], [None, None])


def settings_file(tmp_path: Path, **features: object) -> str:
    path = tmp_path / "patter.json"
    path.write_text(json.dumps({"data_dir": str(tmp_path / "data"), "features": features}))
    return str(path)


def test_the_commands(tmp_path: Path) -> None:
    config = settings_file(tmp_path)
    users, catalog = tmp_path / "users.csv.gz", tmp_path / "catalog.jsonl"
    users.write_bytes(gzip.compress(b"kunde,orders_90d,avg_order,currency\nu1,3,19.99,EUR\n"))
    catalog.write_text('{"product_id": "p1", "name": "Bag", "category": "bags", "price": "9.99 EUR", "rating": 4}\n')
    run = CliRunner().invoke

    def result(*words: str) -> dict[str, object]:
        done = run(app, [*words, "--config", config, "--json", "-"], catch_exceptions=False)
        assert done.exit_code == 0
        found: dict[str, object] = json.loads(done.stdout)
        return found

    assert result("apply")["changed"] is True
    loaded = result("materialize", "--users", str(users), "--catalog", str(catalog), "--map", "users.user_id=kunde")
    assert (loaded["users"], loaded["products"], loaded["schema"]) == (1, 1, "patter.features.materialize/1")
    # What Feast prints goes elsewhere: stdout holds JSON only.
    assert result("materialize", "--since", "2020-01-01")["views"] == ["user_profile", "product_catalog"]
    checked = result("check")
    assert (checked["path"], checked["writable"], checked["ok"]) == ("sqlite", True, True)
    assert "user_profile by user_id: 10 features" in run(app, ["check", "--config", config]).stdout
    options = FeatureOptions(data_dir=str(tmp_path / "data"))
    assert values(options, "user_profile", "avg_order_minor") == 1999
    assert values(options, "product_catalog", "rating", "p1") == 4.0


@pytest.mark.parametrize("words", [["materialize"], ["materialize", "--since", "soon"]])
def test_usage_that_makes_no_sense(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(app, [*words, "--config", settings_file(tmp_path)], catch_exceptions=False)
    assert caught.value.code is Code.USAGE


def test_files_are_not_loaded_into_a_users_own_repository(tmp_path: Path) -> None:
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
    from feast.types import Int64

    own = tmp_path / "own"
    (own / "data").mkdir(parents=True)
    (own / "feature_store.yaml").write_text(
        "project: shop\nprovider: local\nregistry: data/r.db\nonline_store: {type: sqlite, path: data/o.db}\n"
        "entity_key_serialization_version: 3\n"
    )
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    source = FileSource(name="s", path=str(own / "s.parquet"), timestamp_field="ts")
    view = FeatureView(name="mine", entities=[user], schema=[Field(name="n", dtype=Int64)], source=source)
    FeatureStore(repo_path=str(own)).apply([user, view, FeatureService(name="context", features=[view])])
    config = settings_file(tmp_path, repo_path=str(own), service="context")
    users = tmp_path / "users.csv"
    users.write_text("user_id\nu1\n")
    done = CliRunner().invoke(app, ["materialize", "--users", str(users), "--config", config], catch_exceptions=False)
    assert done.exit_code == 0
    assert "not loaded" in done.stderr
    assert "0 shoppers" in done.stdout
    assert not (tmp_path / "data").exists()
