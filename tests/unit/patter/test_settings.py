"""Settings: what is wrong is named by its path, and the environment stands above the file."""

import json
import os
from pathlib import Path

import pytest

from patter.settings import Settings, load
from patter.settings.load import Problem, problems
from schemas.errors import Code, ConfigError


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PATTER_"):
            monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    path = folder / "patter.toml"
    path.write_text(text, encoding="utf-8")
    return path


def fields(path: Path) -> list[str]:
    found = problems(path)
    assert not isinstance(found, Settings)
    return [problem.field for problem in found]


VARIANT = '[[variants]]\nname = "{name}"\ntone = "warm"\ncta = "shop"\n'

WRONG = [
    ('tenant = ""', "tenant"),
    ('tenant = "' + "x" * 257 + '"', "tenant"),
    ("tenants = 3", "tenants"),
    ('[kafka]\ndelivery = "twice"', "kafka.delivery"),
    ('[kafka]\nbrokers = "a:1"', "kafka.brokers"),
    ('[kafka.client]\n"linger.ms" = 5', "kafka.client.linger.ms"),
    ("[topics.events]\npartitions = 0", "topics.events.partitions"),
    ('[topics.evens]\nname = "x"', "topics.evens"),
    ('[features]\nstore = "postgres"', "features.store"),
    ("[features]\nread_timeout_ms = 0", "features.read_timeout_ms"),
    ("[features.cache_ttl_s]\nuser_profile = 'soon'", "features.cache_ttl_s.user_profile"),
    ('[[segments]]\nname = "a|b"', "segments[0].name"),
    ('[[segments]]\nname = "a"\nall = [{feature = "v:f", op = "~", value = 1}]', "segments[0].all[0].op"),
    ('[[segments]]\nname = "a"\nany = [{op = "==", value = 1}]', "segments[0].any[0].feature"),
    ("variants = []", "variants"),
    ('[[variants]]\nname = "a b"\ntone = "warm"\ncta = "shop"', "variants[0].name"),
    ('[[variants]]\nname = "a"\ncta = "shop"', "variants[0].tone"),
    (VARIANT.format(name="a") + VARIANT.format(name="a"), "variants[1].name"),
    (VARIANT.format(name="template"), "variants[0].name"),
    ("[experiment]\nholdout = 1.5", "experiment.holdout"),
    ("[experiment]\nversion = 0", "experiment.version"),
    ("[policy]\nepsilon = -0.1", "policy.epsilon"),
    ("[policy]\ndraws = 1", "policy.draws"),
    ('[serve]\ntriggers = ["order_placed"]', "serve.triggers"),
    ('[serve]\ntriggers = ["viewed"]', "serve.triggers"),
    ("[serve]\nbatch_ms = 0", "serve.batch_ms"),
    ("[serve.frequency_cap]\nlimit = 3", "serve.frequency_cap.feature"),
    ('[generate]\nprovider = "tpu"', "generate.provider"),
    ("[brake]\nratio = 2", "brake.ratio"),
    ('[[tokens.keys]]\nid = 1\nref = "s3cret"', "tokens.keys[0].ref"),
    ('[[tokens.keys]]\nid = 256\nref = "env:A"', "tokens.keys[0].id"),
    ('[tokens]\nactive = 2\n[[tokens.keys]]\nid = 1\nref = "env:A"', "tokens.active"),
    ("[metrics]\nport = 70000", "metrics.port"),
]


@pytest.mark.parametrize(("text", "field"), WRONG, ids=[f"{i}-{field}" for i, (_, field) in enumerate(WRONG)])
def test_a_wrong_field_is_named_by_its_path(tmp_path: Path, text: str, field: str) -> None:
    assert fields(written(tmp_path, text)) == [field]


def test_load_stops_at_the_first_and_says_how_many_there_are(tmp_path: Path) -> None:
    path = written(tmp_path, "[serve]\nbatch_ms = 0\nbatch_records = 0\n[metrics]\nport = -1\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.code is Code.SETTINGS_INVALID
    assert caught.value.exit_code == 2
    assert caught.value.where == f"{path}: serve.batch_ms"
    assert "and 2 more" in caught.value.what


def test_every_problem_is_listed_with_a_reason(tmp_path: Path) -> None:
    found = problems(written(tmp_path, '[topics.evens]\nname = "x"\n[serve]\ntriggers = ["viewed"]\n'))
    assert not isinstance(found, Settings)
    assert [type(problem) for problem in found] == [Problem, Problem]
    assert "there are events, catalog" in found[0].message
    assert "'viewed'" in found[1].message


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("patter.toml", "tenant = ", Code.SETTINGS_INVALID),
        ("patter.json", "{", Code.SETTINGS_INVALID),
        ("patter.toml", None, Code.FILE_MISSING),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str | None, code: Code) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert (caught.value.code, caught.value.where) == (code, str(path))


def test_the_defaults_are_valid_and_frozen() -> None:
    settings = load(None)
    assert [variant.name for variant in settings.variants] == ["warm_discover", "bold_shop", "plain_none"]
    assert settings.kafka.delivery == "exactly_once"
    with pytest.raises(ValueError, match="frozen"):
        settings.tenant = "other"  # type: ignore[misc]


def test_the_environment_stands_above_the_file_and_the_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, 'tenant = "file"\n[kafka]\nbootstrap = "file:1"\nclient = {"sasl.username" = "u"}\n')
    assert load(path).tenant == "file"
    monkeypatch.setenv("PATTER_TENANT", "environment")
    monkeypatch.setenv("PATTER_KAFKA__BOOTSTRAP", "environment:2")
    monkeypatch.setenv("PATTER_KAFKA__CLIENT", '{"sasl.password": "p"}')
    settings = load(path, {"tenant": "override"})
    assert settings.tenant == "environment"
    assert settings.kafka.bootstrap == "environment:2"
    assert settings.kafka.client == {"sasl.username": "u", "sasl.password": "p"}


def test_a_wrong_value_in_the_environment_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATTER_SERVE__BATCH_MS", "soon")
    with pytest.raises(ConfigError) as caught:
        load(None)
    assert caught.value.where == "environment: serve.batch_ms"


def test_overrides_are_merged_into_the_file_s_tables(tmp_path: Path) -> None:
    path = written(tmp_path, '[kafka]\nbootstrap = "file:1"\n[topics.events]\nname = "mine"\n')
    settings = load(path, {"kafka": {"delivery": "at_least_once"}, "topics": {"events": {"partitions": 9}}})
    assert (settings.kafka.bootstrap, settings.kafka.delivery) == ("file:1", "at_least_once")
    assert (settings.topics["events"].name, settings.topics["events"].partitions) == ("mine", 9)


def test_settings_that_were_written_as_json_read_back_the_same(tmp_path: Path) -> None:
    settings = load(None, {"tenant": "t", "segments": [{"name": "a", "all": [{"feature": "v:f", "op": "exists"}]}]})
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(settings.model_dump(mode="json", exclude_none=True)))
    assert load(path) == settings
