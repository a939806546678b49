"""A user's own Feast repository: other names, other types, aliases, on-demand views; and what does not fit, named."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.segment_check import validate
from features.segments import Condition, SegmentRule, SegmentTable, compile  # noqa: A004
from features.store import FeatureOptions, known_features, open_reader
from features.store.apply import apply
from features.store.check import check
from features.store.load import materialize, rematerialize
from features.store.opening import open_store
from schemas.errors import Code, ConfigError, LackingError

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)

YAML = """
project: shop
provider: local
registry: data/registry.db
online_store: {type: sqlite, path: data/online.db}
offline_store: {type: file}
entity_key_serialization_version: 3
"""


class Repo:
    """A repository in a folder of its own, with relative paths as `feast init` writes them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "data").mkdir()
        (folder / "feature_store.yaml").write_text(YAML)
        self.options = FeatureOptions(repo_path=str(folder), service="context", data_dir=str(folder / "unused"))
        # Whoever starts Patter stands elsewhere.
        monkeypatch.chdir(folder.parent)

    def view(self, name: str, keys: list[Any], ttl_days: float = 1, **fields: Any) -> Any:
        from feast import FeatureView, Field, FileSource

        return FeatureView(
            name=name,
            entities=keys,
            ttl=timedelta(days=ttl_days),
            schema=[Field(name=field, dtype=dtype) for field, dtype in fields.items()],
            source=FileSource(
                name=f"{name}_source", path=str(self.folder / "data" / f"{name}.parquet"), timestamp_field="ts"
            ),
        )

    def apply(self, *objects: Any) -> None:
        from feast import FeatureStore

        store = FeatureStore(repo_path=str(self.folder))
        store.apply(list(objects))

    def write(self, view: str, rows: list[dict[str, object]], when: datetime = NOW) -> None:
        import pandas
        from feast import FeatureStore

        frame = pandas.DataFrame([{**row, "ts": when} for row in rows])
        FeatureStore(repo_path=str(self.folder)).write_to_online_store(view, df=frame)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    folder = tmp_path / "their repo"
    folder.mkdir()
    return Repo(folder, monkeypatch)


@pytest.fixture
def entity() -> Callable[..., Any]:
    from feast import Entity, ValueType

    def make(join_key: str, kind: str = "STRING") -> Any:
        return Entity(name=f"the_{join_key}", join_keys=[join_key], value_type=ValueType[kind])

    return make


def test_their_views_replace_ours(repo: Repo, entity: Callable[..., Any]) -> None:
    from feast import FeatureService
    from feast.types import Bool, Float32, Int32, String

    user, product = entity("user_id"), entity("product_id")
    scores = repo.view("crm scores", [user], churn=Float32, visits=Int32, unused=String)
    flags = repo.view("flags", [user], ttl_days=0, vip=Bool, club=String)
    items = repo.view("item-facts", [product], margin=String)
    repo.apply(user, product, scores, flags, items)
    repo.apply(FeatureService(name="context", features=[items, scores[["visits", "churn"]], flags]))
    repo.write("crm scores", [{"user_id": "u1", "churn": 0.25, "visits": 3, "unused": "x"}])
    repo.write("crm scores", [{"user_id": "old", "churn": 0.5, "visits": 1, "unused": "y"}], NOW - timedelta(days=2))
    repo.write("flags", [{"user_id": "u1", "vip": True, "club": "gold"}], NOW - timedelta(days=900))
    repo.write("item-facts", [{"product_id": "p1", "margin": "low"}])

    reader = open_reader(repo.options)
    assert reader.path == "sqlite"
    assert reader.views == (("item-facts", "product_id"), ("crm scores", "user_id"), ("flags", "user_id"))
    rows = reader.read({"user_id": ["u1", "old", "u2"], "product_id": ["p1"]}, NOW_MS)
    assert rows["crm scores"]["u1"].values == {"visits": 3, "churn": 0.25}
    assert [rows["crm scores"][key].state for key in ("u1", "old", "u2")] == ["fresh", "stale", "missing"]
    # A view without a ttl never grows stale.
    assert (rows["flags"]["u1"].state, rows["flags"]["u1"].values) == ("fresh", {"vip": True, "club": "gold"})
    assert rows["item-facts"]["p1"].encoded == b'{"margin":"low"}'
    reader.close()

    known = known_features(repo.options)
    assert known == {
        "item-facts": {"margin": "str"},
        "crm scores": {"visits": "int", "churn": "float"},
        "flags": {"vip": "bool", "club": "str"},
    }
    table = SegmentTable("1", [SegmentRule("vip", all=[Condition("flags:vip", "==", True)])])
    assert validate(table, known) == []
    segment_of = compile(table, known, {"crm scores", "flags"})
    assert segment_of({view: by_id["u1"].values for view, by_id in rows.items() if "u1" in by_id}) == "vip"
    assert check(repo.options).writable is None
    assert not (repo.folder / "unused").exists()


def test_an_entity_that_is_a_number(repo: Repo, entity: Callable[..., Any]) -> None:
    from feast import FeatureService
    from feast.types import Int64

    user = entity("user_id", "INT64")
    view = repo.view("numbers", [user], orders=Int64)
    repo.apply(user, view, FeatureService(name="context", features=[view]))
    repo.write("numbers", [{"user_id": 42, "orders": 7}])
    reader = open_reader(repo.options)
    rows = reader.read({"user_id": ["42", "042", "shopper", "43"]}, NOW_MS)["numbers"]
    assert reader.path == "sqlite"
    assert {key: row.state for key, row in rows.items()} == {
        "42": "fresh",
        "042": "missing",
        "shopper": "missing",
        "43": "missing",
    }
    assert rows["42"].values == {"orders": 7}
    reader.close()


def test_lists_and_times_are_read_as_text_by_the_generic_way(repo: Repo, entity: Callable[..., Any]) -> None:
    from feast import FeatureService
    from feast.types import Array, Int64, UnixTimestamp

    user = entity("user_id")
    view = repo.view("odd", [user], seen=UnixTimestamp, sizes=Array(Int64))
    repo.apply(user, view, FeatureService(name="context", features=[view]))
    repo.write("odd", [{"user_id": "u1", "seen": NOW, "sizes": [38, 39]}])
    reader = open_reader(repo.options)
    assert reader.path == "online_read"
    row = reader.read({"user_id": ["u1"]}, NOW_MS)["odd"]["u1"]
    assert row.values == {"seen": "2026-11-21T08:00:00Z", "sizes": "[38, 39]"}
    assert known_features(repo.options) == {"odd": {"seen": "str", "sizes": "str"}}
    reader.close()


def test_an_alias_and_a_renamed_key_are_read_through_feast(repo: Repo, entity: Callable[..., Any]) -> None:
    from feast import FeatureService
    from feast.types import Int64

    customer, product = entity("customer"), entity("product_id")
    orders, stock = repo.view("orders", [customer], n=Int64), repo.view("stock", [product], n=Int64)
    service = FeatureService(
        name="context",
        features=[orders.with_name("bought").with_join_key_map({"customer": "user_id"}), stock.with_name("left")],
    )
    repo.apply(customer, product, orders, stock)
    repo.apply(service)
    repo.write("orders", [{"customer": "u1", "n": 4}, {"customer": "u2", "n": 5}])
    repo.write("stock", [{"product_id": "p1", "n": 9}])
    reader = open_reader(repo.options)
    assert (reader.path, reader.views) == ("get_online_features", (("bought", "user_id"), ("left", "product_id")))
    rows = reader.read({"user_id": ["u1", "nobody", "u2"], "product_id": ["p1"]}, NOW_MS)
    assert {key: row.values for key, row in rows["bought"].items()} == {"u1": {"n": 4}, "nobody": None, "u2": {"n": 5}}
    assert (rows["left"]["p1"].values, rows["left"]["p1"].event_ms) == ({"n": 9}, NOW_MS)
    # Only one of the two keys is not cached now.
    assert reader.read({"user_id": ["u1"], "product_id": ["p2"]}, NOW_MS)["left"]["p2"].state == "missing"
    reader.close()


def test_an_on_demand_view_is_computed_by_feast(repo: Repo, entity: Callable[..., Any]) -> None:
    from feast import FeatureService, Field
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.types import Float64, Int64

    user = entity("user_id")
    counts = repo.view("counts", [user], views=Int64, orders=Int64)

    @on_demand_feature_view(  # type: ignore[untyped-decorator,unused-ignore]
        sources=[counts], schema=[Field(name="rate", dtype=Float64)], mode="python"
    )
    def rates(inputs: dict[str, Any]) -> dict[str, Any]:
        pairs = zip(inputs["orders"], inputs["views"], strict=True)
        return {"rate": [orders / views if views else None for orders, views in pairs]}

    repo.apply(user, counts, rates)
    repo.apply(FeatureService(name="context", features=[counts, rates]))
    repo.write("counts", [{"user_id": "u1", "views": 8, "orders": 2}])
    reader = open_reader(repo.options)
    assert reader.path == "get_online_features"
    rows = reader.read({"user_id": ["u1", "u2"]}, NOW_MS)
    assert rows["rates"]["u1"].values == {"rate": 0.25}
    assert (rows["rates"]["u1"].state, rows["rates"]["u2"].state) == ("fresh", "missing")
    reader.close()


def test_a_service_that_is_not_there_names_those_that_are(repo: Repo, entity: Callable[..., Any]) -> None:
    from feast import FeatureService
    from feast.types import Int64

    user = entity("user_id")
    view = repo.view("v", [user], n=Int64)
    repo.apply(
        user, view, FeatureService(name="other_a", features=[view]), FeatureService(name="other_b", features=[view])
    )
    for ask in (open_reader, check, known_features):
        with pytest.raises(LackingError) as caught:
            ask(repo.options)  # type: ignore[operator]
        assert caught.value.code is Code.STORE_UNSUITABLE
        assert "there are: other_a, other_b" in caught.value.what
        assert caught.value.where.startswith("features.service")


def test_a_repository_that_was_never_applied(repo: Repo) -> None:
    with pytest.raises(LackingError) as caught:
        open_reader(repo.options)
    assert "there are: none" in caught.value.what
    assert "feast apply" in caught.value.hint


@pytest.mark.parametrize("keys", [["store_id"], ["user_id", "product_id"], []])
def test_a_view_with_other_keys_is_named(repo: Repo, entity: Callable[..., Any], keys: list[str]) -> None:
    from feast import FeatureService
    from feast.types import Int64

    user = entity("user_id")
    entities = [user if key == "user_id" else entity(key) for key in keys]
    fine, wrong = repo.view("fine", [user], n=Int64), repo.view("wrong", entities, m=Int64)
    repo.apply(user, *entities, fine, wrong, FeatureService(name="context", features=[fine, wrong]))
    with pytest.raises(LackingError) as caught:
        open_reader(repo.options)
    assert caught.value.code is Code.STORE_UNSUITABLE
    assert "'wrong'" in caught.value.what


def test_no_repository_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        open_reader(FeatureOptions(repo_path=str(tmp_path / "typo")))
    assert caught.value.code is Code.FILE_MISSING
    assert "typo" in caught.value.where


def test_a_yaml_that_feast_refuses(tmp_path: Path) -> None:
    (tmp_path / "feature_store.yaml").write_text("project: shop\nprovider: local\nregistry: [")
    with pytest.raises(ConfigError) as caught:
        open_reader(FeatureOptions(repo_path=str(tmp_path)))
    assert caught.value.code is Code.FILE_INVALID


def test_their_redis_gets_time_limits_in_memory(tmp_path: Path) -> None:
    text = YAML.replace("{type: sqlite, path: data/online.db}", "{type: redis, connection_string: 'h:1,db=3'}")
    (tmp_path / "feature_store.yaml").write_text(text)
    store = open_store(FeatureOptions(repo_path=str(tmp_path)))
    assert store.config.online_store.connection_string == (
        "h:1,db=3,socket_timeout=0.25,socket_connect_timeout=0.25,retry=null"
    )
    assert (tmp_path / "feature_store.yaml").read_text() == text


def test_files_do_not_go_into_their_repository(repo: Repo) -> None:
    assert apply(repo.options).changed is False
    with pytest.raises(ConfigError) as caught:
        materialize(repo.options, [{"user_id": "u1"}], now_ms=NOW_MS)
    assert caught.value.code is Code.USAGE


def test_feast_materializes_their_batch_sources(repo: Repo, entity: Callable[..., Any]) -> None:
    import pandas
    from feast import FeatureService
    from feast.types import Int64

    user = entity("user_id")
    view = repo.view("batch", [user], n=Int64)
    pandas.DataFrame({"user_id": ["u1"], "n": [3], "ts": [NOW]}).to_parquet(repo.folder / "data" / "batch.parquet")
    repo.apply(user, view, FeatureService(name="context", features=[view]))
    assert rematerialize(repo.options, NOW - timedelta(days=1), NOW + timedelta(days=1)) == ["batch"]
    reader = open_reader(repo.options)
    assert reader.read({"user_id": ["u1"]}, NOW_MS)["batch"]["u1"].values == {"n": 3}
    reader.close()
