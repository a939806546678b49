import json
import shutil

import pytest
from typer.testing import CliRunner

from inference.bundle import load_bundle, starter_dir
from patter.cli.bundle import app
from schemas.errors import Code, LackingError


def test_verify_says_that_the_starter_is_whole(tmp_path):
    out = tmp_path / "result.json"
    assert CliRunner().invoke(app, ["verify", "--json", str(out)]).exit_code == 0
    result = json.loads(out.read_text())
    assert (result["ok"], result["name"], result["sha256"]) == (True, "starter", load_bundle(starter_dir()).sha256)
    assert "whole" in CliRunner().invoke(app, ["verify"]).stdout


def test_verify_raises_and_still_writes_its_result(tmp_path):
    folder, out = tmp_path / "copy", tmp_path / "result.json"
    shutil.copytree(starter_dir(), folder)
    (folder / "metrics.json").write_text("{}")
    done = CliRunner().invoke(app, ["verify", str(folder), "--json", str(out)])
    assert isinstance(done.exception, LackingError)
    result = json.loads(out.read_text())
    assert (result["ok"], result["code"]) == (False, Code.BUNDLE_TAMPERED.value)
    assert "metrics.json" in result["failures"][0]


@pytest.mark.parametrize("key", ["generation", "metrics", "sha256"])
def test_show_says_what_a_bundle_is(key):
    done = CliRunner().invoke(app, ["show", "--json", "-"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)[key]
