"""`patter evaluate bandit`: cold, warm by a model's file, warm by folds, and what it refuses."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from inference.text.conversion import Conversion, Weight, versioned, write_conversion
from patter.cli import build

HEADER = "trial,story,headline,impressions,clicks,bad\n"
ROWS = HEADER + "".join(
    f"t{n},s{n % 5},{text},2000,{clicks},{int(n == 9)}\n"
    for n in range(10)
    for text, clicks in (("Warm wool", 30), ("Warm wool!", 70))
)
MAP = ("--map", "test=trial", "--map", "text=headline", "--map", "excluded=bad")
FEW = ("--batches", "20", "--repeats", "10")
START = {
    "cold": {"evidence": 20.0, "slope": 0.0, "usual": 0.02, "sharpness": 2.0},
    "warm": {"evidence": 200.0, "slope": 0.5, "usual": 0.02, "sharpness": 2.0},
    "fitted": {},
}


def model(figures: dict[str, object]) -> Conversion:
    """A model that likes exclamation marks, and is right."""
    parts = {"exclamation": Weight(mean=0.5, scale=0.5, weight=1.0)}
    return versioned(
        Conversion(schema=1, version="", attributes=parts, segments={}, ngrams={}, order=1, source={}, figures=figures)
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "tests.csv"
    path.write_text(ROWS)
    return path


def result_of(*words: object) -> dict:
    done = CliRunner().invoke(build(), ["evaluate", "bandit", *map(str, words), *MAP, *FEW, "--json", "-"])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def test_cold_is_serving_and_needs_no_group(data: Path) -> None:
    found = result_of("--arms", data)
    assert (found["schema"], found["simulated"], found["groups"]) == ("patter.evaluate.bandit/1", True, 9)
    assert (found["tests"], found["arms"], found["left_out"]["excluded_arms"]) == (9, 18, 2)
    over = found["over_uniform"]
    assert over["warm"] is None
    assert 0 < over["cold"]["value"] < over["oracle"]["value"]
    assert set(over) == {"cold", "warm", "oracle", "default", "flat"}


def test_a_group_may_be_mapped_or_named(data: Path) -> None:
    assert result_of("--arms", data, "--group", "story")["groups"] == 5
    assert result_of("--arms", data, "--map", "group=story")["groups"] == 5


def test_a_right_model_begins_warm(data: Path, tmp_path: Path) -> None:
    write_conversion(model({"start": START}), tmp_path / "conversion.json")
    by_folder = result_of("--arms", data, "--warm", tmp_path)
    assert by_folder["above"]["warm_over_cold"]["low"] > 0
    assert by_folder["warm"]["starts"] == [START]
    by_file = result_of("--arms", data, "--warm", tmp_path / "conversion.json")
    assert by_file["over_uniform"] == by_folder["over_uniform"]


def test_a_model_of_old_is_refused(data: Path, tmp_path: Path) -> None:
    write_conversion(model({}), tmp_path / "conversion.json")
    done = CliRunner().invoke(build(), ["evaluate", "bandit", "--arms", str(data), "--warm", str(tmp_path), *MAP])
    assert done.exception.exit_code == 2
    assert "figures.start" in done.exception.line()


def test_folds_are_fitted_in_a_process_of_its_own(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = []

    def run(command, *, stdout, check):
        noted.append(command)
        lines = Path(command[command.index("--train") + 1]).read_text().splitlines()
        scores = [float("!" in json.loads(line)["text"]) for line in lines]
        said = {"folds": [n % 2 for n in range(len(lines))], "scores": scores, "starts": {"0": START, "1": START}}
        Path(command[command.index("--json") + 1]).write_text(json.dumps(said))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    found = result_of("--arms", data, "--warm", "folds", "--group", "story")
    assert noted[0][1:4] == ["-m", "training.conversion", "outside"]
    assert found["above"]["warm_over_cold"]["value"] > 0


def test_a_file_without_tests_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lone.csv"
    path.write_text(HEADER + "t1,s1,Warm wool,1000,20,0\n")
    done = CliRunner().invoke(build(), ["evaluate", "bandit", "--arms", str(path), *MAP])
    assert done.exception.exit_code == 2
