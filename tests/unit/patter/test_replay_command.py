"""`patter replay --records`: files, results and exit codes."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from replay_shop import Shop, log_of, settings_in
from typer.testing import CliRunner

from patter.cli import build
from schemas.errors import Code, ConfigError
from streams.kafka.dump_lines import DumpRecord, dump_line

DECISIONS = 400


class Folder:
    """A folder with settings, decisions and snapshots, as a run keeps them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        settings = settings_in(path)
        self.config = path / "settings.json"
        self.config.write_text(settings.model_dump_json(exclude_none=True))
        shop = Shop(settings, tries=True)
        self.records = list(shop.run(DECISIONS, batch=20))
        self.write("policy_log.jsonl", log_of(shop))
        self.versions = shop.versions
        self.write("experiments.jsonl", shop.versions)

    def write(self, name: str, records: list[DumpRecord]) -> Path:
        lines = b"".join(dump_line(each) + b"\n" for each in records)
        (self.path / name).write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
        return self.path / name

    def ask(self, *words: str, config: Path | None = None) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(build(), ["replay", *words, "--config", str(config or self.config), "--json", "-"])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, json.loads(done.stdout)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("kept"))


def test_a_file_without_differences_is_fine(kept: Folder) -> None:
    path = kept.write("decisions.jsonl.gz", kept.records)
    code, told = kept.ask("--records", str(path))
    assert (code, told["schema"], told["ok"]) == (0, "patter.replay/1", True)
    assert (told["decisions"], told["replayed"], told["differing"]) == (DECISIONS, DECISIONS, 0)
    assert (told["by_field"], told["not_replayed"], told["tokens_unverified"]) == ({}, {}, 0)
    assert told["offsets"] == {"patter.decisions.v1": {"0": [0, DECISIONS]}}
    tried = told["experiments"]
    assert (tried["versions"], tried["decisions_by_mode"].keys()) == (11, {"aa", "adaptive", "fixed", "settings"})
    assert sum(tried["decisions_by_mode"].values()) == DECISIONS
    text = CliRunner().invoke(build(), ["replay", "--records", str(path), "--config", str(kept.config)]).stdout
    assert text.startswith(f"{DECISIONS} decisions, {DECISIONS} replayed, 0 differing\n")
    assert "adaptive" in text
    assert "no experiments are at hand" not in text


def test_experiments_come_from_a_file_of_their_own_or_not_at_all(kept: Folder, tmp_path: Path) -> None:
    lines = [dump_line(each) for each in kept.records]
    alone = tmp_path / "decisions.jsonl"
    alone.write_bytes(b"\n".join(lines))
    words = ("--records", str(alone), "--policy", str(kept.path / "policy_log.jsonl"))
    code, told = kept.ask(*words)
    assert (code, told["experiments"]["versions"], told["not_replayed"].keys()) == (0, None, {"other_experiment"})
    text = CliRunner().invoke(build(), ["replay", *words, "--config", str(kept.config)]).stdout
    assert "no experiments are at hand" in text
    given = kept.write("given.jsonl.gz", kept.versions)
    code, told = kept.ask(*words, "--experiments", str(given))
    assert (code, told["experiments"]["versions"], told["replayed"]) == (0, 11, DECISIONS)
    # Kept, and nothing in it: there were none, which the decisions deny.
    (tmp_path / "experiments.jsonl").write_bytes(b"")
    code, told = kept.ask(*words)
    assert (told["experiments"]["versions"], told["not_replayed"].keys()) == (0, {"other_experiment"})


def test_a_difference_is_told_with_its_place_and_ends_with_1(kept: Folder) -> None:
    records = list(kept.records)
    place = next(n for n, each in enumerate(records) if b'"source":"model"' in (each.value or b""))
    body = json.loads(records[place].value or b"")
    text = body["text"]
    body["text"] += "!"
    records[place] = msgspec.structs.replace(records[place], value=msgspec.json.encode(body))
    records.append(DumpRecord("patter.decisions.v1", 3, 17, 0, None, b"junk"))
    path = kept.write("altered.jsonl", records)
    code, told = kept.ask("--records", str(path))
    assert (code, told["ok"], told["differing"], told["by_field"]) == (1, False, 1, {"text": 1})
    (found,) = told["differences"]
    assert found == {
        "place": f"patter.decisions.v1/0/{place}",
        "decision_id": body["decision_id"],
        "field": "text",
        "recorded": text + "!",
        "replayed": text,
    }
    assert told["not_replayed"] == {"undecodable": 1}
    assert told["unreplayed"] == [{"place": "patter.decisions.v1/3/17", "decision_id": None, "why": "undecodable"}]
    shown = CliRunner().invoke(build(), ["replay", "--records", str(path), "--config", str(kept.config)])
    assert shown.exit_code == 1
    assert f"patter.decisions.v1/0/{place} text: recorded" in shown.stdout
    assert "not replayed undecodable: 1" in shown.stdout


def test_where_nothing_can_be_decided_again_it_ends_with_4(kept: Folder, tmp_path: Path) -> None:
    path = kept.write("decisions.jsonl", kept.records)
    other = tmp_path / "settings.json"
    other.write_text(json.dumps({**json.loads(kept.config.read_text()), "segment_version": "other"}))
    code, told = kept.ask("--records", str(path), config=other)
    assert (code, told["ok"], told["not_replayed"]) == (4, False, {"other_segment_rules": DECISIONS})
    snapshots = kept.write("one_policy.jsonl", [DumpRecord("p", 0, 0, 0, None, b"no snapshot")])
    code, told = kept.ask("--records", str(path), "--policy", str(snapshots))
    assert (code, told["not_replayed"]) == (4, {"policy_gone": DECISIONS})


def test_two_snapshots_of_one_version_leave_its_decisions_undecided(kept: Folder) -> None:
    path = kept.write("decisions.jsonl", kept.records)
    log = [json.loads(line) for line in (kept.path / "policy_log.jsonl").read_bytes().splitlines()]
    again = {**json.loads(log[0]["value"]), "seed": "another"}
    twice = [DumpRecord("p", 0, n, 0, None, each["value"].encode()) for n, each in enumerate(log)]
    twice.append(DumpRecord("p", 0, len(log), 0, None, msgspec.json.encode(again)))
    code, told = kept.ask("--records", str(path), "--policy", str(kept.write("twice.jsonl", twice)))
    assert set(told["not_replayed"]) == {"policy_ambiguous"}
    assert code == (0 if told["replayed"] else 4)
    assert told["not_replayed"]["policy_ambiguous"] + told["replayed"] == DECISIONS


@pytest.mark.parametrize(
    "words",
    [(), ("--broker", "--records", "x"), ("--events", "x"), ("--records", "x", "--to", "y")],
)
def test_what_is_asked_for_must_be_one_thing(kept: Folder, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        kept.ask(*words)
    assert caught.value.code is Code.USAGE


def test_files_that_are_missing_empty_or_no_dump_are_told(kept: Folder) -> None:
    for name, content, code in (
        ("gone", None, Code.FILE_MISSING),
        ("empty", b"\n", Code.FILE_INVALID),
        ("bare", b'{"decision_id":"x"}\n', Code.FILE_INVALID),
    ):
        if content is not None:
            (kept.path / name).write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            kept.ask("--records", str(kept.path / name))
        assert caught.value.code is code
