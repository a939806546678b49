"""`patter evaluate facts|consistency|reference`: what they hand on, and what they make of the end."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

import inference.bundle
from patter.cli import evaluate


@pytest.fixture
def child(monkeypatch):
    noted = SimpleNamespace(command=[], lines=[], code=0, result={"failures": []})

    def run(command, *, stdout, check):
        noted.command = command
        for flag in ("--catalog", "--examples"):
            if flag in command:
                noted.lines = Path(command[command.index(flag) + 1]).read_text().splitlines()
        if noted.result is not None:
            Path(command[command.index("--json") + 1]).write_text(json.dumps(noted.result))
        return SimpleNamespace(returncode=noted.code)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(inference.bundle, "load_bundle", lambda _: SimpleNamespace(name="own"))
    monkeypatch.setattr(inference.bundle, "bundle_digest", lambda _: "d" * 64)
    return noted


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("sku,name,category,price,text\na,Lamp,Home,5.00 USD,Meet Lamp. Shop now.\n")
    return path


def invoked(*arguments):
    app = typer.Typer()
    app.add_typer(evaluate.app, name="evaluate")
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.mark.parametrize(("verb", "count"), [("facts", "--questions"), ("consistency", "--triples")])
def test_a_catalogue_is_handed_on_and_the_result_comes_back(child, table, tmp_path, verb, count):
    done = invoked(verb, "--catalog", table, "--map", "product_id=sku", count, 9, "--bundle", tmp_path, "--json", "-")
    assert done.exit_code == 0, done.output
    assert child.command[1:5] == ["-m", "training.evaluation.factual", verb, str(tmp_path)]
    assert child.command[child.command.index("--count") + 1] == "9"
    assert json.loads(child.lines[0])["product_id"] == "a"
    result = json.loads(done.stdout)
    assert (result["schema"], result["ok"]) == (f"patter.evaluate.{verb}/1", True)
    assert result["bundle"]["sha256"] == "d" * 64


def test_copies_are_handed_on(child, table, tmp_path):
    assert invoked("consistency", "--catalog", table, "--map", "product_id=sku", "--copies", "c.json").exit_code == 0
    assert child.command[child.command.index("--copies") + 1] == "c.json"


def test_approved_copy_is_handed_on_as_examples(child, table, tmp_path):
    done = invoked("reference", "--data", table, "--map", "product_id=sku", "--bundle", tmp_path, "--json", "-")
    assert done.exit_code == 0, done.output
    assert json.loads(child.lines[0])["text"] == "Meet Lamp. Shop now."


def test_a_gate_that_fails_ends_with_1_and_says_why(child, table):
    child.result, child.code = {"failures": ["accuracy 25%"]}, 1
    done = invoked("facts", "--catalog", table, "--map", "product_id=sku", "--json", "-")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["failures"] == ["accuracy 25%"]


@pytest.mark.parametrize("code", [2, 3])
def test_an_error_of_the_process_is_that_of_the_command(child, table, code):
    child.result, child.code = None, code
    assert invoked("facts", "--catalog", table, "--map", "product_id=sku").exit_code == code
