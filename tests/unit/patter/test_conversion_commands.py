"""`patter evaluate pairs` and `patter train pconv`: what they hand to the fit's process and make of its end."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from inference.bundle import load_bundle, starter_dir
from inference.text.conversion import Conversion, versioned, write_conversion
from patter.cli import build, conversion
from patter.files.arms import arm_columns, read_arms
from schemas.arms import Arm
from schemas.errors import Code, ConfigError, LackingError

HEADER = "trial,story,headline,picture,impressions,clicks,bad\n"
ROWS = HEADER + "t1,s1,Warm wool,i1,1000,20,0\nt1,s1,Cold wool,i1,900,10,1\n"
MAP = ("--map", "test=trial", "--map", "text=headline", "--map", "image=picture", "--map", "excluded=bad")
FIGURE = {"value": 0.6, "low": 0.5, "high": 0.7, "n": 3}
BOTH = {"accuracy": FIGURE, "decisive_accuracy": FIGURE | {"value": None}}
RESULT = {
    "pairs": 9,
    "decisive_pairs": 3,
    "groups": 3,
    "split": "--test",
    "ece": 0.01,
    "brier": 0.24,
    "baselines": {"length": BOTH},
    "over": {"length": BOTH},
    **BOTH,
}
MODEL = versioned(
    Conversion(schema=1, version="", attributes={}, segments={}, ngrams={}, order=1, source={}, figures={"pairs": 9})
)


@pytest.fixture
def child(monkeypatch):
    noted = SimpleNamespace(command=[], arms={}, code=0, result=dict(RESULT))

    def run(command, *, stdout, check):
        noted.command = command
        options = dict(zip(command[4::2], command[5::2], strict=True))
        for name in ("--train", "--test"):
            if name in options:
                noted.arms[name] = [json.loads(line) for line in Path(options[name]).read_text().splitlines()]
        if "--out" in options:
            write_conversion(MODEL, Path(options["--out"]))
        if noted.result is not None:
            Path(options["--json"]).write_text(json.dumps(noted.result))
        return SimpleNamespace(returncode=noted.code)

    monkeypatch.setattr(subprocess, "run", run)
    return noted


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "tests.csv"
    path.write_text(ROWS)
    return path


def invoked(*words):
    return CliRunner().invoke(build(), [*map(str, words)])


def test_pairs_hands_arms_on_and_prints_the_result(child, data):
    done = invoked("evaluate", "pairs", "--train", data, "--test", data, "--group", "story", *MAP, "--json", "-")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert child.command[1:4] == ["-m", "training.conversion", "pairs"]
    assert child.arms["--train"] == child.arms["--test"]
    assert child.arms["--train"][0]["text"] == "Warm wool"
    assert [arm["excluded"] for arm in child.arms["--train"]] == [False, True]
    assert result["schema"] == "patter.evaluate.pairs/1"
    assert {"pairs", "accuracy", "decisive_pairs", "decisive_accuracy", "baselines", "ece", "brier"} <= result.keys()


def test_without_a_file_for_tests_none_is_handed_on_and_people_get_a_table(child, data):
    done = invoked("evaluate", "pairs", "--train", data, "--group", "story", *MAP)
    assert "--test" not in child.arms
    assert "60.0% [50.0%, 70.0%]" in done.stdout
    assert "model - length" in done.stdout


def test_pconv_leaves_the_model_and_puts_it_into_a_bundle(child, data, tmp_path):
    child.result |= {"version": MODEL.version}
    bundle = tmp_path / "bundle"
    shutil.copytree(starter_dir(), bundle)
    out = tmp_path / "out"
    words = ("--data", data, "--group", "story", *MAP, "--out", out, "--bundle", bundle, "--json", "-")
    done = invoked("train", "pconv", *words)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert child.command[1:4] == ["-m", "training.conversion", "fit"]
    assert (out / "conversion.json").is_file()
    assert load_bundle(bundle).conversion == MODEL
    assert result["bundle"]["sha256"] == load_bundle(bundle).sha256
    shown = json.loads(invoked("bundle", "show", bundle, "--json", "-").stdout)
    assert shown["conversion"]["version"] == MODEL.version
    assert shown["conversion"]["figures"] == {"pairs": 9}
    assert json.loads(invoked("bundle", "show", "--json", "-").stdout)["conversion"] is None


def test_train_is_still_a_verb_of_its_own():
    done = invoked("train", "--epochs", "1")
    assert done.exit_code == 2
    assert "--base" in done.output


@pytest.mark.parametrize("code", [2, 3])
def test_an_error_of_the_process_is_that_of_the_command(child, data, code):
    child.result, child.code = None, code
    assert invoked("evaluate", "pairs", "--train", data, "--group", "story", *MAP).exit_code == code


def test_a_process_that_dies_is_no_result(child, data):
    child.result, child.code = None, -9
    done = invoked("evaluate", "pairs", "--train", data, "--group", "story", *MAP)
    assert isinstance(done.exception, RuntimeError)


def test_without_the_training_packages_it_says_how_to_get_them(child, data, monkeypatch):
    monkeypatch.setattr(conversion.importlib.util, "find_spec", lambda name: None if name == "sklearn" else object())
    error = invoked("evaluate", "pairs", "--train", data, "--group", "story", *MAP).exception
    assert isinstance(error, LackingError)
    assert "sklearn is not installed" in error.line()
    assert child.command == []


def test_json_lines_and_gzip_read_the_same(tmp_path):
    row = {"test": 1, "group": "g", "text": "A", "impressions": 10, "clicks": 2, "excluded": True, "segment": "new"}
    path = tmp_path / "tests.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(row).encode()))
    expected = Arm(test="1", group="g", text="A", impressions=10, clicks=2, excluded=True, segment="new")
    assert read_arms(path, arm_columns([], "group")) == [expected]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("t,g,A,10,11", "clicks"),
        ("t,g,A,x,1", "impressions"),
        ("t,g,A,-1,0", "impressions"),
        ("t,g,,10,1", "text"),
        ("t,,A,10,1", "group"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_field(tmp_path, row, field):
    path = tmp_path / "tests.csv"
    path.write_text(f"test,group,text,impressions,clicks\nt,g,B,10,1\n{row}\n")
    with pytest.raises(ConfigError) as caught:
        read_arms(path, arm_columns([], "group"))
    assert caught.value.code is Code.FILE_INVALID
    assert caught.value.where.endswith(f"tests.csv:3:{field}")


def test_a_column_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "tests.csv"
    path.write_text("test,group,headline,impressions,clicks\nt,g,B,10,1\n")
    with pytest.raises(ConfigError) as caught:
        read_arms(path, arm_columns([], "group"))
    assert "'text'" in caught.value.what
    with pytest.raises(ConfigError) as caught:
        read_arms(path, arm_columns(["text=headline", "image=pic"], "group"))
    assert "'pic'" in caught.value.what


@pytest.mark.parametrize("text", ["price=x", "text", "text=", "group=other"])
def test_a_mapping_that_says_nothing_is_refused(text):
    with pytest.raises(ConfigError) as caught:
        arm_columns([text], "story")
    assert caught.value.code is Code.USAGE
