"""`patter experiment` on a real broker: every version is kept, with its audit, and two at once are told."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from role_workers import ROOT, settings_on, write_config

from inference.experiment.lifecycle import stopped
from patter.settings import Settings
from patter.wiring import experiments
from patter.wiring.experiments import change, history
from schemas.errors import CheckFailed
from schemas.experiments import ExperimentRecord

pytestmark = pytest.mark.integration
PLAN = ("--baseline", "0.1", "--effect", "0.2", "--per-shopper", "20", "--why", "a test")


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    return settings_on(local_broker, fresh_topics, tmp_path)


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    return write_config(settings, tmp_path / "patter.toml")


def patter(config: Path, *words: str, code: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "patter", "experiment", *words, "--config", str(config), "--json", "-"],
        capture_output=True,
        cwd=config.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr.decode()
    return json.loads(done.stdout) if code == 0 else done.stderr.decode()


def test_from_draft_to_stopped_every_version_stays(settings: Settings, config: Path) -> None:
    arms = ("--arm", "template", "--arm", "warm_discover")
    drawn = patter(config, "create", "autumn", *arms, *PLAN, "--traffic", "0.5", "--guardrail", "refund_per_order=0.1")
    assert drawn["experiment"]["plan"]["shoppers_always_valid"] > drawn["experiment"]["plan"]["shoppers_fixed"] > 0
    patter(config, "create", "autumn", *arms, *PLAN, "--traffic", "0.6")
    assert patter(config, "start", "autumn", "--why", "go")["experiment"]["after"] == 6000
    patter(config, "create", "winter", *arms, *PLAN, "--traffic", "0.5")
    assert "none left" in patter(config, "start", "winter", "--why", "go", code=2)
    assert "no such experiment" in patter(config, "start", "spring", "--why", "go", code=2)
    assert "no variant" in patter(config, "create", "spring", "--arm", "template", "--arm", "loud", *PLAN, code=2)
    patter(config, "create", "twins", "--arm", "template", "--arm", "twin", *PLAN, "--mode", "aa", "--layer", "aa")
    patter(config, "stop", "autumn", "--why", "enough")
    assert patter(config, "start", "winter", "--why", "now")["experiment"]["first"] == 0

    every = patter(config, "list", "--history")["experiments"]
    assert [(each["version"], each["state"], each["why"]) for each in every if each["name"] == "autumn"] == [
        (1, "draft", "a test"),
        (2, "draft", "a test"),
        (3, "running", "go"),
        (4, "stopped", "enough"),
    ]
    assert all(each["by"] and each["time_ms"] > 1_700_000_000_000 for each in every)
    newest = {each["name"]: each["state"] for each in patter(config, "list")["experiments"]}
    assert newest == {"autumn": "stopped", "winter": "running", "twins": "draft"}
    assert [each.key() for each in history(settings)] == [f"{each['name']}|{each['version']}" for each in every]


def test_who_comes_second_is_told(settings: Settings, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's record of the same version comes right after one's own."""
    published = experiments._publish

    def both(to: Settings, record: ExperimentRecord) -> None:
        published(to, record)
        published(to, msgspec.structs.replace(record, why="somebody else"))

    patter(config, "create", "winter", "--arm", "template", "--arm", "warm_discover", *PLAN)
    monkeypatch.setattr(experiments, "_publish", both)
    with pytest.raises(CheckFailed, match="same time"):
        change(settings, lambda newest, at, by: stopped(newest["winter"], time_ms=at, by=by, why="me"))
