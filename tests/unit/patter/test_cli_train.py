import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from patter.cli import train as module
from schemas.errors import Code, ConfigError, LackingError

APP = typer.Typer()
APP.command()(module.train)

ROWS = "product_id,name,category,price,text\np1,Mug,Mugs,1 USD,Mug for you.\np2,Cup,Cups,dear,Cup for you.\n"


@pytest.fixture
def started(monkeypatch):
    """What would have been started, and what it would have left and ended with."""
    seen = {"commands": [], "code": 0, "result": {"bundle": "B", "failures": [], "metrics": {"held_out": {"n": 3}}}}

    def runs(command, check):
        seen["commands"].append(command)
        out = Path(command[command.index("--out") + 1])
        if seen["result"] is not None:
            (out / "result.json").write_text(json.dumps(seen["result"]))
        return subprocess.CompletedProcess(command, seen["code"])

    monkeypatch.setattr(module.subprocess, "run", runs)
    return seen


def call(folder, *words):
    data = folder / "copy.csv"
    if not data.exists():
        data.write_text(ROWS)
    asked = ["--base", "some/base", "--data", str(data), "--out", str(folder / "out"), *words]
    result = CliRunner().invoke(APP, asked)
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_training_runs_beside_and_hears_what_was_asked_for(tmp_path, started):
    assert call(tmp_path, "--full", "--epochs", "2", "--seed", "9", "--resume").exit_code == 0
    (command,) = started["commands"]
    assert command[:3] == [sys.executable, "-m", "training.tune"]
    pairs = dict(zip(command[3::2], command[4::2], strict=False))
    assert (pairs["--base"], pairs["--method"], pairs["--epochs"], pairs["--seed"]) == ("some/base", "full", "2", "9")
    assert command[-1] == "--resume"


def test_good_rows_and_bad_rows_are_handed_over(tmp_path, started):
    call(tmp_path)
    (example,) = map(json.loads, (tmp_path / "out" / "examples.jsonl").read_text().splitlines())
    (rejected,) = map(json.loads, (tmp_path / "out" / "rejected.jsonl").read_text().splitlines())
    assert (example["text"], example["product"]["price_minor"]) == ("Mug for you.", 100)
    assert (rejected["line"], rejected["field"], rejected["row"]["name"]) == (3, "price", "Cup")


def test_a_folder_that_holds_something_is_refused(tmp_path, started):
    call(tmp_path)
    with pytest.raises(ConfigError, match="not empty") as caught:
        call(tmp_path)
    assert caught.value.exit_code == 2
    assert call(tmp_path, "--resume").exit_code == 0


def test_a_run_is_not_gone_on_from_with_other_data(tmp_path, started):
    call(tmp_path)
    before = (tmp_path / "out" / "examples.jsonl").read_bytes()
    (tmp_path / "copy.csv").write_text(ROWS.replace("Mug for you", "A mug for you"))
    with pytest.raises(ConfigError, match="other data"):
        call(tmp_path, "--resume")
    assert (tmp_path / "out" / "examples.jsonl").read_bytes() == before


def test_a_file_without_a_single_good_row_leaves_nothing_behind(tmp_path, started):
    (tmp_path / "copy.csv").write_text(ROWS.replace("1 USD", "cheap"))
    with pytest.raises(ConfigError, match="no text with its product") as caught:
        call(tmp_path)
    assert "copy.csv:2:price" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_without_the_training_packages_it_says_so(tmp_path, started, monkeypatch):
    find = module.importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "peft" else find(name))
    with pytest.raises(LackingError, match="training needs peft") as caught:
        call(tmp_path)
    assert (caught.value.code, caught.value.hint) == (Code.DEPENDENCY_MISSING, "make setup-dev")
    assert not started["commands"]


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_exit_code_is_the_trainer_s(tmp_path, started, code):
    started["code"] = code
    assert call(tmp_path).exit_code == code


def test_the_result_as_json(tmp_path, started):
    started["code"] = 1
    started["result"]["failures"] = ["the checks admit 0%"]
    call(tmp_path, "--json", str(tmp_path / "r.json"))
    result = json.loads((tmp_path / "r.json").read_text())
    assert (result["schema"], result["ok"], result["failures"]) == ("patter.train/1", False, ["the checks admit 0%"])
    assert (result["bundle"], result["metrics"]) == ("B", {"held_out": {"n": 3}})


def test_where_nothing_began_for_want_of_something_the_folder_is_free_again(tmp_path, started):
    started["code"], started["result"] = 3, None
    call(tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_typed_tasks_are_handed_over_with_the_files_that_they_are_made_from(tmp_path, started):
    catalogue, said = tmp_path / "catalogue.csv", tmp_path / "said.csv"
    catalogue.write_text("product_id,name,category,price\np1,Mug,Mugs,1 USD\np2,Cup,Cups,dear\n")
    said.write_text("text,intent\nI want it,order\nSend it back,return\n")
    words = ("--catalog", str(catalogue), "--tasks", "0.4", "--intents", str(said))
    assert call(tmp_path, *words).exit_code == 0
    (command,) = started["commands"]
    asked = dict(zip(command[3::2], command[4::2], strict=False))
    assert (asked["--tasks"], Path(asked["--products"]).name) == ("0.4", "products.jsonl")
    (product,) = map(json.loads, (tmp_path / "out" / "products.jsonl").read_text().splitlines())
    assert product["name"] == "Mug"
    assert len(Path(asked["--intents"]).read_text().splitlines()) == 2
    said.write_text("text,intent\nI want it,order\nKeep it,return\n")
    with pytest.raises(ConfigError, match=r"another intents\.jsonl"):
        call(tmp_path, *words, "--resume")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--tasks", "0.5"), "made from the catalogue"),
        (("--tasks", "1", "--catalog", "c.csv"), "1 is no share"),
        (("--intents", "said.csv"), "--intents goes with --tasks"),
    ],
)
def test_typed_tasks_that_cannot_be_made_are_refused(tmp_path, started, words, what):
    with pytest.raises(ConfigError, match=what):
        call(tmp_path, *words)
    assert not started["commands"]


def test_without_tasks_training_hears_nothing_of_them(tmp_path, started):
    call(tmp_path)
    assert not {"--tasks", "--products", "--intents"} & set(started["commands"][0])
