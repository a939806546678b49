"""`patter evaluate copy`: what it hands to the evaluation's process, and what it makes of its end."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

import inference.bundle
from patter.cli import evaluate
from schemas.errors import LackingError

RUNNER = CliRunner()


def command():
    app = typer.Typer()
    app.add_typer(evaluate.app, name="evaluate")
    return app


@pytest.fixture
def child(monkeypatch, tmp_path):
    """In place of the process: notes its command line and products, ends as told."""
    noted = SimpleNamespace(command=[], products=None, code=0, result={"failures": [], "seed": 5})

    def run(command, *, stdout, check):
        noted.command = command
        if "--catalog" in command:
            noted.products = Path(command[command.index("--catalog") + 1]).read_text().splitlines()
        if noted.result is not None:
            Path(command[command.index("--json") + 1]).write_text(json.dumps(noted.result))
        return SimpleNamespace(returncode=noted.code)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(inference.bundle, "load_bundle", lambda _folder: SimpleNamespace(name="own"))
    monkeypatch.setattr(inference.bundle, "bundle_digest", lambda _folder: "d" * 64)
    return noted


def invoked(*arguments):
    return RUNNER.invoke(command(), ["evaluate", "copy", *map(str, arguments)])


def test_it_starts_the_module_and_passes_its_result_on(child, tmp_path):
    done = invoked("--bundle", tmp_path, "--seed", 5, "--prompts", 7, "--json", "-")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert child.command[1:8] == ["-m", "training.evaluation", str(tmp_path), "--seed", "5", "--prompts", "7"]
    assert "--check-only" not in child.command
    assert result["schema"] == "patter.evaluate.copy/1"
    assert result["bundle"] == {"name": "own", "sha256": "d" * 64, "folder": str(tmp_path), "written": True}
    assert result["evaluation"]["seed"] == 5
    assert result["ok"] is True


def test_the_starter_and_a_bundle_that_is_only_checked_stay_as_they_are(child, tmp_path):
    assert invoked().exit_code == 0
    assert "--check-only" in child.command
    assert invoked("--bundle", tmp_path, "--check-only").exit_code == 0
    assert "--check-only" in child.command


def test_a_shop_s_file_is_handed_on_as_products(child, tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("sku,name,category,price\na,Lamp,Home,5.00 USD\n")
    done = invoked("--catalog", table, "--map", "product_id=sku")
    assert done.exit_code == 0, done.output
    (line,) = child.products
    assert json.loads(line) == {
        "product_id": "a",
        "name": "Lamp",
        "category": "Home",
        "price_minor": 500,
        "currency": "USD",
    }


def test_a_gate_that_fails_ends_with_1_and_says_why(child, tmp_path):
    child.result, child.code = {"failures": ["products: 10% of tries are admitted"]}, 1
    done = invoked("--json", "-")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["failures"] == ["products: 10% of tries are admitted"]


@pytest.mark.parametrize("code", [2, 3])
def test_an_error_of_the_process_is_that_of_the_command(child, code):
    child.result, child.code = None, code
    assert invoked().exit_code == code


def test_a_process_that_dies_is_no_result(child):
    child.result, child.code = None, 1
    assert isinstance(invoked().exception, RuntimeError)


def test_without_the_training_packages_it_says_how_to_get_them(child, monkeypatch):
    monkeypatch.setattr(evaluate.importlib.util, "find_spec", lambda name: None if name == "sacrebleu" else object())
    error = invoked().exception
    assert isinstance(error, LackingError)
    assert error.line().startswith("error[dependency_missing]: sacrebleu is not installed")
    assert "make setup-dev" in error.line()
    assert child.command == []
