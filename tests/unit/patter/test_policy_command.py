"""`patter policy history` from a dumped log, and what the verbs refuse; with a broker: tests/integration."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from inference.decide.acts import Act, killed, rolled_back
from inference.decide.policy import fixed_prior
from patter.cli import build
from patter.policies.log import Log
from patter.settings import Settings
from schemas.errors import ConfigError
from schemas.policies import PolicySnapshot
from streams.kafka.dump_lines import DumpRecord, dump_line

TOPIC = "patter.policy.log.v1"


def snapshots() -> list[PolicySnapshot]:
    first = fixed_prior(
        version=3,
        experiment="x",
        arms=("template", "good"),
        epsilon=0.1,
        draws=64,
        created_ms=1_000,
        by="eve",
        why="go",
    )
    second = killed(first, Act("ann", "a claim was wrong", 61_000))
    return [first, second, rolled_back(second, first, Act("bob", "as it was", 121_000))]


def dump(path: Path, values: list[bytes]) -> Path:
    rows = [DumpRecord(TOPIC, 0, place, 0, b"k", value) for place, value in enumerate(values)]
    other = DumpRecord("patter.policy.v1", 0, 0, 0, b"policy", values[0] if values else b"")
    path.write_bytes(b"".join(dump_line(each) + b"\n" for each in (other, *rows)))
    return path


def invoked(*words: object):
    return CliRunner().invoke(build(), ["policy", *map(str, words)])


def test_history_tells_who_when_why_and_what(tmp_path: Path) -> None:
    path = dump(tmp_path / "log.jsonl", [*(msgspec.json.encode(each) for each in snapshots()), b"junk"])
    done = invoked("history", "--from", path)
    assert done.exit_code == 0, done.exception
    assert done.output.splitlines() == [
        "versions before 3 are gone: the log's retention has taken them",
        "1 records of the log are no snapshots",
        "     3  1970-01-01T00:00:01Z  set       eve  go  the version before it is gone",
        "     4  1970-01-01T00:01:01Z  kill      ann  a claim was wrong  all copy stopped",
        "     5  1970-01-01T00:02:01Z  rollback  bob  as it was  beliefs of version 3 held",
    ]


def test_history_as_json_and_only_some(tmp_path: Path) -> None:
    path = dump(tmp_path / "log.jsonl", [msgspec.json.encode(each) for each in snapshots()])
    told = json.loads(invoked("history", "--from", path, "--cause", "kill", "--json", "-").stdout)
    assert (told["schema"], told["versions"], told["cut_before"], told["gaps"]) == ("patter.policy_history/1", 3, 3, [])
    assert [(each["version"], each["cause"], each["by"]) for each in told["shown"]] == [(4, "kill", "ann")]
    last = json.loads(invoked("history", "--from", path, "--last", 1, "--json", "-").stdout)
    assert [each["version"] for each in last["shown"]] == [5]
    assert last["shown"][0]["held"] == 3


def test_a_cause_that_there_is_not_is_refused(tmp_path: Path) -> None:
    done = invoked("history", "--from", dump(tmp_path / "log.jsonl", []), "--cause", "boredom")
    assert isinstance(done.exception, ConfigError)
    assert "boredom" in done.exception.line()


def test_a_version_that_the_log_has_not_is_refused(tmp_path: Path) -> None:
    log = Log(Settings(), dump(tmp_path / "log.jsonl", [msgspec.json.encode(each) for each in snapshots()]))
    assert log.version(4).by == "ann"
    with pytest.raises(ConfigError, match="begins with version 3"):
        log.version(2)
