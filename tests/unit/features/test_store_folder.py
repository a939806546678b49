"""The generated feature_store.yaml and the time limits of Redis."""

from pathlib import Path

from features.store.folder import online_path, redis_with_limits, registry_path, write_folder, yaml_text
from features.store.options import FeatureOptions


def test_redis_gets_the_limits_that_it_lacks() -> None:
    assert (
        redis_with_limits("localhost:6379")
        == "localhost:6379,socket_timeout=0.25,socket_connect_timeout=0.25,retry=null"
    )
    assert (
        redis_with_limits("h:1,db=2,socket_timeout=1")
        == "h:1,db=2,socket_timeout=1,socket_connect_timeout=0.25,retry=null"
    )


def test_paths_are_absolute_whatever_the_data_folder_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = FeatureOptions(data_dir="data")
    assert registry_path(options) == tmp_path / "data" / "feast" / "registry.db"
    assert f'path: "{tmp_path}/data/feast/online.db"' in yaml_text(options, "patter")


def test_the_yaml_keeps_serving_while_it_materializes() -> None:
    text = yaml_text(FeatureOptions(data_dir="/d"), "patter")
    assert "serve_features_while_materializing: true" in text
    assert "entity_key_serialization_version: 3" in text


def test_redis_by_setting() -> None:
    text = yaml_text(FeatureOptions(data_dir="/d", store="redis", redis="r:1,password=a b"), "patter")
    assert "type: redis" in text
    assert '"r:1,password=a b,socket_timeout=0.25' in text
    assert "online.db" not in text


def test_a_folder_that_quotes_would_break(tmp_path: Path) -> None:
    options = FeatureOptions(data_dir=str(tmp_path / 'a "b": c'))
    folder = write_folder(options, "patter")
    assert (folder / "definitions.py").is_file()
    assert (folder / "feature_store.yaml").stat().st_mode & 0o077 == 0
    assert str(online_path(options)).replace('"', '\\"') in (folder / "feature_store.yaml").read_text()
