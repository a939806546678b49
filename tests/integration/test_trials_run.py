"""Experiments all the way on a real broker: an adaptive one with a policy of its own, holdouts of their own, the report
against a count of the raw topics that shares no code with it, verify, and replay.

Shoppers, arms and clicks are hashes of names: every run sends the same events for the same decisions.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from report_figures import always_valid, delta, intent
from role_workers import Workers, begin, settings_on, several, until, write_config
from shop_topics import ShopTopics

from inference.decide.hashing import unit
from inference.experiment.lifecycle import draft, planned, started
from patter.settings import Settings
from patter.verify.run import verify_online
from patter.wiring.policy import publish_prior
from patter.wiring.tokens import token_keys
from schemas.decisions import DecisionRead
from schemas.experiments import ExperimentArm, ExperimentRecord, Mode, StoppingRule
from schemas.policies import PolicySnapshot
from schemas.token import code_of, verify
from streams.kafka.config import KafkaOptions
from streams.kafka.dump import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
PATIENCE_S = 120.0

ROLES = ("serve", "collect", "learn")
ARM, ARMS = "warm_discover", ("template", "warm_discover")
SHOPPERS, VIEWS, HOLDOUT = 600, 4, 0.25


def experiments() -> list[ExperimentRecord]:
    """Two that share a layer with nobody; a fifth of the shoppers is in neither."""
    found: list[ExperimentRecord] = []
    modes: tuple[tuple[str, Mode], ...] = (("steady", "fixed"), ("growing", "adaptive"))
    for name, mode in modes:
        arms = tuple(ExperimentArm(arm) for arm in ARMS)
        plan = planned(arms, baseline=0.4, effect=0.2, per_shopper=VIEWS, design_effect=1.0, alpha=0.05, power=0.8)
        rule = StoppingRule(max_shoppers=plan.shoppers_always_valid, min_shoppers=10)
        made = draft(
            name, arms=arms, metric="ctr", plan=plan, rule=rule, mode=mode, layer="one", buckets=4_000, holdout=HOLDOUT,
            time_ms=1, by="ada", why="a test",
        )  # fmt: skip
        found.append(started(made, found, time_ms=2, by="ada", why="go"))
    return found


def clicks(each: DecisionRead) -> bool:
    """In `growing` the arm is what shoppers want, in the settings' own experiment the template."""
    liked = {"growing": ARM, "steady": None}.get(each.experiment, "template")
    return unit("click", each.event_id) < (0.4 if liked is None else 0.8 if each.arm == liked else 0.1)


class Shop(ShopTopics):
    """What the shop sends."""

    orders = 0

    def view(self, round_: int) -> None:
        for number in range(VIEWS):
            for shopper in range(SHOPPERS):
                self.event("product_viewed", f"v{round_}-{number}-{shopper}", f"s{shopper}", product_id="p0")
        self.flush()

    def answer(self, decisions: list[DecisionRead]) -> None:
        """Shoppers see what was shown and click; some buy, none of them through a token."""
        for each in decisions:
            if each.action == "show":
                self.event("copy_impression", f"i{each.event_id}", each.user_id, token=each.token)
                if clicks(each):
                    self.event("copy_click", f"c{each.event_id}", each.user_id, token=each.token)
            if unit("buy", each.event_id) < 0.15:
                self.orders += 1
                line = {"line": 1, "product_id": "p0", "quantity": 1, "revenue_minor": 100 + self.orders % 7}
                self.event(
                    "order_placed",
                    f"o{each.event_id}",
                    each.user_id,
                    order_id=each.event_id,
                    currency="USD",
                    lines=[line],
                )
        self.flush()


@pytest.fixture
def settings(local_broker: str, fresh_topics: dict[str, str], tmp_path: Path) -> Settings:
    made = settings_on(local_broker, fresh_topics, tmp_path)
    # These shoppers answer at machine speed, as no person does.
    return made.model_copy(
        update={
            "agents": made.agents.model_copy(update={"watch": False}),
            "experiment": made.experiment.model_copy(update={"holdout": 0.1}),
        }
    )


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    path = write_config(settings, tmp_path / "patter.toml")
    path.write_text(path.read_text() + "\n[experiment]\nholdout = 0.1\n[agents]\nwatch = false\n")
    return path


@pytest.fixture
def roles(
    settings: Settings, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Workers]]:
    monkeypatch.setattr("role_workers.PATIENCE_S", PATIENCE_S)
    with several(ROLES, settings, tmp_path, config) as made:
        yield made


def asked(config: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "patter", *words, "--config", str(config), "--json", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_experiments_all_the_way(settings: Settings, config: Path, roles: dict[str, Workers]) -> None:
    shop = Shop(settings)
    shop.stock(ARM, experiments())
    publish_prior(settings, "a test", "every arm alike")
    begin(roles)

    first = decided_in(shop, 0, roles)
    shop.answer(first)
    until(
        lambda: shop.counted().get("orders", 0) == shop.orders,
        lambda: (shop.counted(), roles["collect"].said("collect-0")),
    )
    until(
        lambda: believes(shop, "growing"), lambda: (shop.read("policy", PolicySnapshot), roles["learn"].said("learn-0"))
    )
    believed = max(each.version for each in shop.read("policy", PolicySnapshot))
    second = decided_in(shop, 1, roles)
    drawn = Counter((each.experiment, each.arm) for each in second)
    assert drawn["growing", ARM] > 9 * drawn["growing", "template"] > 0
    assert drawn[settings.experiment.name, "template"] > 9 * drawn[settings.experiment.name, ARM]
    shop.answer(second)
    sent = Counter(
        json.loads(record.value or b"")["kind"]
        for record in read_topic(shop.options, settings.topics["events"].name or "")
    )
    due = {"impressions": sent["copy_impression"], "clicks": sent["copy_click"], "orders": sent["order_placed"]}

    def is_counted() -> bool:
        found = shop.counted()
        return {name: found.get(name, 0) for name in due} == due

    until(is_counted, lambda: (shop.counted(), due, roles["collect"].said("collect-0")))
    assert verify_online(settings).failures() == []
    until(lambda: _agrees(settings, config, first + second), lambda: "the report is behind")
    agree(asked(config, "report"), Raw(settings, first + second))

    replayed = asked(config, "replay", "--broker")
    assert (replayed["differing"], replayed["replayed"]) == (0, 2 * SHOPPERS * VIEWS)
    assert replayed["experiments"]["decisions_by_mode"].keys() == {"settings", "fixed", "adaptive"}

    # What the first round taught, judged on both: the settings' own decisions, of which half were drawn evenly.
    judged = asked(config, "policy", "evaluate", "--version", str(believed), "--in-sample")
    own = [each for each in first + second if each.experiment == settings.experiment.name]
    shown = [each for each in own if each.action == "show" and not each.excluded]
    assert judged["outcomes"]["used"] == len(shown)
    assert judged["logged"]["value"] == pytest.approx(sum(map(clicks, shown)) / len(shown))
    assert judged["gain"]["low"] > 0


def decided_in(shop: Shop, round_: int, roles: dict[str, Workers]) -> list[DecisionRead]:
    shop.view(round_)
    found: list[DecisionRead] = []

    def all_decided() -> bool:
        found[:] = [each for each in shop.read("decisions", DecisionRead) if each.event_id.startswith(f"v{round_}-")]
        return len(found) == SHOPPERS * VIEWS

    until(all_decided, lambda: (len(found), roles["serve"].said("serve-0")))
    return found


def believes(shop: Shop, name: str) -> bool:
    """Whether the newest policy is sure of the experiment and of the settings' own."""
    newest = max(shop.read("policy", PolicySnapshot), key=lambda each: each.version)
    (trial,) = [each for each in newest.trials if each.experiment == name] or [None]
    return trial is not None and bool(trial.cells) and bool(newest.cells) and _sure(trial.cells) and _sure(newest.cells)


def _sure(cells: Any) -> bool:
    """Whether one arm is believed to be far better than the other."""
    return all(
        max(each.alpha / (each.alpha + each.beta) for each in cell.arms.values()) > 0.5
        for cell in cells
        if len(cell.arms) > 1
    )


class Raw:
    """What the dumped topics say, counted by hand."""

    def __init__(self, settings: Settings, decisions: list[DecisionRead]) -> None:
        options = KafkaOptions(bootstrap=settings.kafka.bootstrap)
        events = [json.loads(each.value or b"") for each in read_topic(options, settings.topics["events"].name or "")]
        keys, self.own = token_keys(settings), settings.experiment.name
        # Whose a shopper is, as what they were shown says, and not as a hash does.
        self.group = {each.user_id: (each.experiment, each.override == "holdout") for each in decisions}
        self.seen: defaultdict[tuple[str, str, str], dict[str, tuple[float, int]]] = defaultdict(dict)
        self.bought: defaultdict[str, Counter[str]] = defaultdict(Counter)
        names = {code_of(name): name for name in {each.experiment for each in decisions} | set(ARMS)}
        for event in events:
            if event["kind"] == "order_placed":
                self.bought[event["user_id"]].update(orders=1, revenue_minor=event["lines"][0]["revenue_minor"])
            elif event["kind"] in ("copy_impression", "copy_click"):
                claims = verify(event["token"], keys)
                assert claims is not None
                of = self.seen[names[claims.experiment], names[claims.arm], event["user_id"]]
                clicked = of.get(claims.decision_id.hex(), (0, 0))[1] or event["kind"] == "copy_click"
                of[claims.decision_id.hex()] = (1 / claims.propensity, int(clicked))

    def arm(self, experiment: str, arm: str) -> np.ndarray:
        """(shoppers, 2): weighted impressions and clicks."""
        found = [of for (name, each, _), of in sorted(self.seen.items()) if (name, each) == (experiment, arm)]
        return np.array([[sum(w for w, _ in of.values()), sum(w * c for w, c in of.values())] for of in found])

    def groups(self, experiment: str, figure: str) -> tuple[list[int], list[int]]:
        """What each buyer bought, of held-out shoppers and of treated ones; of the settings' own everybody counts."""
        found: tuple[list[int], list[int]] = ([], [])
        for user, basket in self.bought.items():
            whose, out = self.group[user]
            if whose == experiment or experiment == self.own:
                found[0 if whose == experiment and out else 1].append(basket[figure])
        return found


def _agrees(settings: Settings, config: Path, decisions: list[DecisionRead]) -> bool:
    """Whether learn has published the last of the sums."""
    raw = Raw(settings, decisions)
    found = {each["experiment"]: each for each in asked(config, "report")["experiments"]}
    return all(
        [of["treated"] for of in each["copy"]] == [sum(raw.groups(name, of["figure"])[1]) for of in each["copy"]]
        for name, each in found.items()
    ) and found["growing"]["report"]["n"] == sum(len(raw.arm("growing", arm)) for arm in ARMS)


def agree(told: dict[str, Any], raw: Raw) -> None:
    """The report says what the topics do."""
    found = {each["experiment"]: each for each in told["experiments"]}
    for name in ("steady", "growing"):
        report, (control, variant) = found[name]["report"], (raw.arm(name, arm) for arm in ARMS)
        (was, before), (now, after) = delta(control), delta(variant)
        (compared,) = report["comparisons"]
        # Weights are whole numbers in units of 2^-16.
        assert compared["effect"] == pytest.approx(now - was, rel=1e-3)
        once = scipy.stats.norm.isf(0.025) * np.sqrt(before + after)
        assert (compared["fixed_high"] - compared["fixed_low"]) / 2 == pytest.approx(once, rel=1e-3)
        planned_ = next(each.plan.variance for each in experiments() if each.name == name)
        assert (compared["high"] - compared["low"]) / 2 == pytest.approx(
            always_valid(before + after, planned_, 0.05), rel=1e-3
        )
        assert [each["n"] for each in report["arms"]] == [len(control), len(variant)]
        assert not report["srm"]["fired"]
    assert found["growing"]["report"]["comparisons"][0]["decision"] == "better"
    shares: dict[str, float] = {"steady": HOLDOUT, "growing": HOLDOUT, raw.own: 0.1}
    for name, share in shares.items():
        for each in found[name]["copy"]:
            held_out, treated = raw.groups(name, each["figure"])
            assert (each["buyers_held_out"], each["buyers_treated"]) == (len(held_out), len(treated))
            assert (each["held_out"], each["treated"]) == (sum(held_out), sum(treated))
            gain, variance = intent(held_out, treated, share)
            half = always_valid(variance, _tuned(), 0.05)
            assert each["relative"] == pytest.approx(exp(gain) - 1)
            assert (log(1 + each["high"]) - log(1 + each["low"])) / 2 == pytest.approx(half, rel=1e-3)
    pooled = {each["arm"]: each for each in found["steady"]["rates"] if each["category"] is None}
    for arm in ARMS:
        of = [
            decision
            for (name, each, _), of in raw.seen.items()
            if (name, each) == ("steady", arm)
            for decision in of.values()
        ]
        assert (pooled[arm]["impressions"], pooled[arm]["clicks"]) == (len(of), sum(clicked for _, clicked in of))


def _tuned() -> float:
    """The variance at which a tenth more is found with a power of 80 %, by the narrowest that the sequence can be."""
    best = min(always_valid(1.0, planned_, 0.05) for planned_ in np.geomspace(0.1, 10, 401))
    return float((log(1.1) / (best + scipy.stats.norm.ppf(0.8))) ** 2)
