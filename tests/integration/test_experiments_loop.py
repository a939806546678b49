"""Fifty-one experiments at once through serve, collect and learn on a real broker: one with an effect, fifty without.

Shoppers, arms and clicks are hashes of names, so every run has the same counts and the same words: of the fifty A/As,
each judged once with an error rate of 5 %, more than 6 are rejected in 1.2 % of such worlds (binomial); the planted
effect of 20 % on a rate of 0.4 is missed in about 2 %.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from role_workers import Workers, begin, settings_on, several, until, write_config
from shop_topics import ShopTopics
from typer.testing import CliRunner

from inference.decide.hashing import unit
from inference.experiment.lifecycle import draft, planned, started
from patter.cli import build
from patter.settings import Settings
from patter.verify.run import verify_online
from patter.wiring.policy import publish_prior
from schemas.decisions import DecisionRead
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule

# Three roles start on what may be a busy machine, and 60,000 events go through them.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
PATIENCE_S = 240.0

ROLES = ("serve", "collect", "learn")
ARM = "warm_discover"
LAYERS, IN_A_LAYER = 5, 10
SHOPPERS, VIEWS = 3_000, 8
BASELINE, EFFECT = 0.4, 0.2


def record(name: str, mode: Mode, layer: str, buckets: int, running: list[ExperimentRecord]) -> ExperimentRecord:
    arms = (ExperimentArm("template"), ExperimentArm(ARM if mode == "fixed" else "twin"))
    plan = planned(arms, baseline=BASELINE, effect=EFFECT, per_shopper=VIEWS, design_effect=1.0, alpha=0.05, power=0.8)
    rule = StoppingRule(max_shoppers=plan.shoppers_always_valid, min_shoppers=10)
    made = draft(
        name, arms=arms, metric="ctr", plan=plan, rule=rule, mode=mode, layer=layer, buckets=buckets, time_ms=1,
        by="ada", why="a test",
    )  # fmt: skip
    return started(made, running, time_ms=2, by="ada", why="go")


def experiments() -> list[ExperimentRecord]:
    """The planted one in a layer of its own, and ten A/As in each of five others."""
    found = [record("planted", "fixed", "planted", 10_000, [])]
    for layer in range(LAYERS):
        for number in range(IN_A_LAYER):
            found.append(record(f"aa-{layer}-{number}", "aa", f"layer-{layer}", 10_000 // IN_A_LAYER, found))
    return found


class Shop(ShopTopics):
    """What the shop sends."""

    def view(self) -> None:
        for number in range(VIEWS):
            for shopper in range(SHOPPERS):
                self.event("product_viewed", f"v{number}-{shopper}", f"s{shopper}", product_id="p0")
        self.flush()

    def answer(self, decisions: list[DecisionRead]) -> dict[str, int]:
        """Everybody sees what was shown, and clicks by chance, more often on the planted arm; how many did."""
        clicks = 0
        for each in decisions:
            self.event("copy_impression", f"i{each.event_id}", each.user_id, token=each.token)
            better = each.experiment == "planted" and each.arm == ARM
            if unit("click", each.event_id) < BASELINE * (1 + EFFECT * better):
                self.event("copy_click", f"c{each.event_id}", each.user_id, token=each.token)
                clicks += 1
        self.flush()
        return {"impressions": len(decisions), "clicks": clicks}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("role_workers.PATIENCE_S", PATIENCE_S)


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    made = settings_on(local_broker, fresh_topics, tmp_path)
    # These shoppers answer at machine speed, as no person does.
    return made.model_copy(update={"agents": made.agents.model_copy(update={"watch": False})})


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    path = write_config(settings, tmp_path / "patter.toml")
    path.write_text(path.read_text() + "\n[experiment]\nholdout = 0.0\n[agents]\nwatch = false\n")
    return path


@pytest.fixture
def roles(settings: Settings, config: Path, tmp_path: Path) -> Iterator[dict[str, Workers]]:
    with several(ROLES, settings, tmp_path, config) as made:
        yield made


def test_the_planted_effect_is_found_and_a_as_seldom(
    settings: Settings, config: Path, roles: dict[str, Workers], tmp_path: Path
) -> None:
    shop = Shop(settings)
    shop.stock(ARM, experiments())
    publish_prior(settings, "a test", "every arm alike")
    begin(roles)
    shop.view()
    decided: list[DecisionRead] = []

    def all_decided() -> bool:
        decided[:] = shop.read("decisions", DecisionRead)
        return len(decided) == SHOPPERS * VIEWS

    until(all_decided, lambda: (len(decided), roles["serve"].said("serve-0")))
    assert len({each.experiment for each in decided}) == LAYERS * IN_A_LAYER + 1
    assert not any(each.excluded for each in decided)
    assert {each.shown for each in decided if each.experiment != "planted"} == {"template"}
    sent = shop.answer(decided)

    def is_counted() -> bool:
        return sent.items() <= shop.counted().items()

    until(is_counted, lambda: (shop.counted(), sent, roles["collect"].said("collect-0")))
    assert verify_online(settings).failures() == []

    told = CliRunner().invoke(
        build(), ["report", "--config", str(config), "--json", "-", "--html", str(tmp_path / "report.html")]
    )
    assert told.exit_code == 0, told.output
    found = {each["experiment"]: each["report"] for each in json.loads(told.stdout)["experiments"] if each["report"]}
    words = {name: each["comparisons"][0]["decision"] for name, each in found.items()}
    assert words.pop("planted") == "better"
    assert sum(each["n"] for each in found.values()) == SHOPPERS
    assert len(words) == 50
    assert set(words.values()) <= {"better", "worse", "no_difference_shown"}
    rejected = sum(word != "no_difference_shown" for word in words.values())
    print(f"planted: {found['planted']['comparisons'][0]}; A/As rejected: {rejected} of 50")
    assert rejected <= 6
