"""`patter policy evaluate` on decisions that serve's own worker made, with clicks whose rates are known."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from replay_shop import SEGMENTS, START_MS, Shop, log_of, settings_in
from typer.testing import CliRunner

from patter.cli import build
from schemas.errors import ConfigError
from schemas.policies import Basis, Beta, Cell, PolicySnapshot
from streams.kafka.dump_lines import DumpRecord, dump_line

BEST = 0.30
OTHERS = 0.05


class Folder:
    """A shop's dumps: 4,000 events of 400 shoppers; one arm is clicked six times as often as the others."""

    def __init__(self, path: Path) -> None:
        self.path = path
        settings = settings_in(path)
        self.config = path / "settings.json"
        self.config.write_text(settings.model_dump_json(exclude_none=True))
        shop = Shop(settings, shoppers=400)
        self.decisions = list(shop.run(4_000))
        self.best = shop.arms[0]
        self.after = len(shop.snapshots)
        log = log_of(shop)
        self.versions = {
            "good": self.after + 1,
            "bad": self.after + 2,
            "fitted": self.after + 3,
            "other": self.after + 4,
        }
        arms = ("template", *shop.arms)
        for name, version in self.versions.items():
            rates = {arm: Beta(90, 10) if (arm == self.best) == (name != "bad") else Beta(10, 90) for arm in arms}
            log.append(self._snapshot(name, version, rates, log[-1]))
        self.write("policy_log", log)
        self.write("decisions", [*self.decisions, self.decisions[0]])
        self.write("events", self._clicks())

    def _snapshot(self, name: str, version: int, rates: dict[str, Beta], like: DumpRecord) -> DumpRecord:
        cells = [
            Cell(category=f"category-{number}", segment=segment, arms=rates)
            for number in range(5)
            for segment in SEGMENTS
        ]
        half = datetime.fromisoformat(msgspec.json.decode(self.decisions[2_000].value or b"")["time"])
        until = {"fitted": round(half.timestamp() * 1000) - 300_000}.get(name, START_MS - 86_400_000)
        made = PolicySnapshot(
            version=version,
            experiment="older" if name == "other" else "spring",
            created_ms=START_MS,
            seed=f"spring:{version}",
            epsilon=0.05,
            draws=256,
            prior=rates,
            cells=cells,
            basis=Basis(as_of_ms=until, reward="click", shrinkage=20, sharpness=4),
        )
        return msgspec.structs.replace(like, offset=like.offset + 1, value=msgspec.json.encode(made))

    def _clicks(self) -> list[DumpRecord]:
        chance, found = random.Random(5), []
        for number, record in enumerate(self.decisions):
            told = msgspec.json.decode(record.value or b"")
            if told["action"] == "show" and chance.random() < (BEST if told["arm"] == self.best else OTHERS):
                found.append(self._event(number, told, "copy_click"))
                if chance.random() < 0.2:
                    # A second click on the same counts for nothing more.
                    found.append(self._event(number + 100_000, told, "copy_click"))
            elif number % 7 == 0:
                found.append(self._event(number, told, "copy_impression"))
                # A bot's click is none.
                found.append(self._event(number + 200_000, told, "copy_click", user_agent="Googlebot/2.1"))
        return [*found, DumpRecord("patter.events.v1", 0, 10**6, START_MS, b"u", b"junk")]

    def _event(self, number: int, told: dict[str, Any], kind: str, **more: str) -> DumpRecord:
        body = {
            "kind": kind,
            "event_id": f"c{number}",
            "user_id": told["user_id"],
            "time": told["time"],
            "token": told["token"],
            **more,
        }
        at_ms = round(datetime.fromisoformat(told["time"]).astimezone(UTC).timestamp() * 1000)
        return DumpRecord("patter.events.v1", 0, number, at_ms, b"u", msgspec.json.encode(body))

    def write(self, name: str, records: list[DumpRecord]) -> None:
        (self.path / f"{name}.jsonl").write_bytes(b"".join(dump_line(each) + b"\n" for each in records))

    def ask(self, *words: object) -> tuple[int, dict[str, Any]]:
        done = CliRunner().invoke(build(), self.words(*words, "--json", "-"))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, json.loads(done.stdout)

    def words(self, *words: object) -> list[str]:
        return ["policy", "evaluate", "--from", str(self.path), "--config", str(self.config), *map(str, words)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("kept"))


def test_the_better_version_is_found_and_its_value_is_the_true_one(kept: Folder) -> None:
    code, told = kept.ask("--version", kept.versions["good"], "--against", kept.versions["bad"])
    assert (code, told["schema"], told["ok"], told["reward"]) == (0, "patter.policy_evaluate/1", True, "click")
    good, bad = told["candidates"]
    assert (good["version"], bad["version"], told["against"]) == (
        kept.versions["good"],
        kept.versions["bad"],
        kept.versions["bad"],
    )
    assert told["gain"]["low"] > 0
    assert told["verdict"].startswith("it is better than version")
    assert good["judged"]["snips"]["low"] > told["logged"]["high"]
    assert good["unreached"] == bad["unreached"] == 0
    assert good["judged"]["mean_weight"] == pytest.approx(1, abs=0.1)
    used, outcomes = told["outcomes"]["used"], told["outcomes"]
    assert sum(outcomes.values()) == len(kept.decisions) + 1
    assert outcomes["duplicates"] == 1
    assert outcomes["nothing_shown"] > 0
    assert used == good["judged"]["n"] > 1_500
    # Of each decision that is used the truth is known: the candidate's chance of the best arm, where that was eligible.
    from inference.decide.policy import Policy
    from patter.policies.log import Log
    from patter.settings import load

    policy = Policy(Log(load(kept.config), kept.path / "policy_log.jsonl").version(kept.versions["good"]))
    values = []
    for record in kept.decisions:
        each = msgspec.json.decode(record.value or b"")
        if each["action"] == "show" and not each["excluded"]:
            found = policy.choices(each["category"], each["segment"], tuple(each["eligible"]))
            share = dict(zip(found.arms, found.probabilities, strict=True)).get(kept.best, 0.0)
            values.append(share * BEST + (1 - share) * OTHERS)
    assert len(values) == used
    assert good["judged"]["snips"]["low"] <= sum(values) / used <= good["judged"]["snips"]["high"]


def test_decisions_that_a_version_was_fitted_to_are_not_used_unless_it_is_said(kept: Folder) -> None:
    _, all_ = kept.ask("--version", kept.versions["good"])
    _, later = kept.ask("--version", kept.versions["fitted"])
    assert later["outcomes"]["fitted_to"] > 500
    assert later["outcomes"]["used"] + later["outcomes"]["fitted_to"] == all_["outcomes"]["used"]
    _, flattered = kept.ask("--version", kept.versions["fitted"], "--in-sample")
    assert (flattered["in_sample"], flattered["outcomes"]["used"]) == (True, all_["outcomes"]["used"])


def test_where_no_decision_is_left_it_ends_with_4(kept: Folder) -> None:
    code, told = kept.ask("--version", kept.versions["good"], "--reward", "order")
    assert (code, told["logged"]["value"]) == (0, 0.0)
    assert told["verdict"].startswith("whether it is better")
    (kept.path / "late").mkdir(exist_ok=True)
    for name in ("policy_log", "events", "decisions"):
        lines = (kept.path / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
        (kept.path / "late" / f"{name}.jsonl").write_bytes(b"".join(lines[:1] if name == "decisions" else lines))
    words = kept.words("--version", kept.versions["good"], "--json", "-")
    words[3] = str(kept.path / "late")
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 4
    assert json.loads(done.stdout)["verdict"] == "too few decisions to say anything"


def test_people_read_a_few_lines(kept: Folder) -> None:
    said = CliRunner().invoke(build(), kept.words("--version", kept.versions["bad"])).output.splitlines()
    assert "decisions of" in said[0]
    assert said[-1].endswith("it is worse than what was got")
    assert "clicks per 1,000" in said[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--version", 900), "no version 900"),
        (("--version", "good", "--against", "other"), "two experiments"),
        (("--version", "good", "--reward", "love"), "love"),
    ],
)
def test_what_cannot_be_judged_is_refused(kept: Folder, words: tuple[object, ...], said: str) -> None:
    done = CliRunner().invoke(build(), kept.words(*(kept.versions.get(str(word), word) for word in words)))
    assert isinstance(done.exception, ConfigError)
    assert said in done.exception.line()


def test_a_folder_without_a_topic_says_which(kept: Folder, tmp_path: Path) -> None:
    words = kept.words("--version", 1)
    words[3] = str(tmp_path)
    done = CliRunner().invoke(build(), words)
    assert isinstance(done.exception, ConfigError)
    assert "policy_log" in done.exception.line()
