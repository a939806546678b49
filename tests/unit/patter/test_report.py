"""`patter report` from kept topics, against a recount of the raw events that shares no counting code with it."""

import json
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.stats
from experiment_log import kept, raw, record
from feedback_log import KEYS, Log
from report_figures import always_valid, delta, regressed
from typer.testing import CliRunner

from inference.experiment.srm import mismatch
from patter.cli import build
from patter.report.decided import Decided
from patter.report.page import page
from patter.report.run import Reported, reported
from patter.report.text import written
from patter.settings import load
from schemas.errors import ConfigError
from schemas.experiments import ExperimentRecord
from schemas.token import code_of, verify

RATES = {"template": 0.1, "warm": 0.2}


def recount(logs: dict[int, Log], arm: str, *, weighted: bool) -> np.ndarray:
    """(shoppers, 2): weighted impressions and clicks of each shopper of an arm, from the raw events."""
    seen: defaultdict[str, dict[str, float]] = defaultdict(dict)
    clicked: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for log in logs.values():
        for _, _, value in log.records:
            event = json.loads(value or b"")
            claims = verify(event["token"], KEYS)
            assert claims is not None
            if claims.arm == code_of(arm):
                weight = 1 / claims.propensity if weighted else 1.0
                into = clicked if event["kind"] == "copy_click" else seen
                into[event["user_id"]][claims.decision_id.hex()] = weight
    users = sorted(seen)
    return np.array([[sum(seen[user].values()), sum(clicked[user].values())] for user in users])


def known_before(logs: dict[int, Log], arm: str) -> np.ndarray:
    """(shoppers, 4) of an arm of `autumn`: its impressions and clicks, and those of the shopper, by weight, in what is
    not autumn, before the first of autumn. Every event of a decision counts once."""
    rows: dict[str, list[float]] = {}
    for log in logs.values():
        elsewhere: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        done = set()
        for _, _, value in log.records:
            event = json.loads(value or b"")
            claims, user, click = verify(event["token"], KEYS), event["user_id"], event["kind"] == "copy_click"
            assert claims is not None
            if (claims.decision_id, click) in done:
                continue
            done.add((claims.decision_id, click))
            if claims.experiment != code_of("autumn"):
                elsewhere[user][click] += 1 / claims.propensity
            elif claims.arm == code_of(arm):
                rows.setdefault(user, [0.0, 0.0, *elsewhere[user]])[click] += 1
    return np.array(list(rows.values()))


def told(path: Path, name: str) -> Reported:
    (found,) = reported(load(), 5, name, path)
    return found


@pytest.mark.parametrize("mode", ["fixed", "adaptive"])
def test_a_report_is_what_a_recount_of_the_raw_events_says(tmp_path: Path, mode: str) -> None:
    experiment = record("autumn", mode)  # type: ignore[arg-type]
    logs, decisions = raw(experiment, 400, RATES, seed=7)
    found = told(kept(tmp_path / "kept.jsonl", [experiment], logs, decisions), "autumn").report
    assert found is not None
    arms = {name: recount(logs, name, weighted=mode == "adaptive") for name in RATES}
    (control, cv), (variant, vv) = delta(arms["template"]), delta(arms["warm"])
    each = found.comparisons[0]
    assert (found.arms[0].n, found.arms[1].n) == (len(arms["template"]), len(arms["warm"]))
    # Weights are whole numbers in units of 2^-16.
    assert each.effect == pytest.approx(variant - control, rel=1e-4)
    once = scipy.stats.norm.isf(0.025) * np.sqrt(cv + vv)
    assert (each.fixed_high - each.fixed_low) / 2 == pytest.approx(once, rel=1e-4)
    half = always_valid(cv + vv, experiment.plan.variance, 0.05)
    assert (each.high - each.low) / 2 == pytest.approx(half, rel=1e-3)
    assert each.decision is not None
    assert each.decision.value == "better"
    assert found.excluded == {"duplicates": sum(len(log.records) for log in logs.values()) - _distinct(logs)}
    if mode == "fixed":
        n = [len(arms[name]) for name in RATES]
        assert found.srm.n == sum(n)
        by_arm = [sum(c.observed for c in found.srm.cells if c.arm == name) for name in RATES]
        assert by_arm == n
        statistic = scipy.stats.chisquare(n, [sum(n) / 4, sum(n) * 3 / 4]).statistic
        assert found.srm.statistic == pytest.approx(statistic)
    else:
        assert found.srm.n == len(decisions)
    assert not found.srm.fired


def test_what_was_known_before_is_taken_out_as_a_regression_on_the_shoppers_says(tmp_path: Path) -> None:
    experiment = record("autumn")
    logs, decisions = raw(experiment, 400, RATES, seed=7, known=True)
    found = told(kept(tmp_path / "kept.jsonl", [experiment], logs, decisions), "autumn").report
    assert found is not None
    arms = [known_before(logs, name) for name in RATES]
    assert all(0.3 < (arm[:, 2] > 0).mean() < 0.7 for arm in arms)
    (control, variant), (cv, vv), _ = regressed(arms)
    (plain_control, pcv), (plain_variant, pvv) = (delta(arm[:, :2]) for arm in arms)
    each = found.comparisons[0]
    # Weights are whole numbers in units of 2^-16.
    assert each.effect == pytest.approx(variant - control, rel=1e-4)
    assert each.saved == pytest.approx(1 - (cv + vv) / (pcv + pvv), abs=1e-4)
    assert each.saved > 0.05
    once = scipy.stats.norm.isf(0.025) * np.sqrt(cv + vv)
    assert (each.fixed_high - each.fixed_low) / 2 == pytest.approx(once, rel=1e-4)
    assert (each.high - each.low) / 2 == pytest.approx(always_valid(cv + vv, experiment.plan.variance, 0.05), rel=1e-3)
    assert each.plain_effect == pytest.approx(plain_variant - plain_control, rel=1e-4)
    plain = always_valid(pcv + pvv, experiment.plan.variance, 0.05)
    assert (each.plain_high - each.plain_low) / 2 == pytest.approx(plain, rel=1e-3)
    # The arms' own values are the ones that are counted.
    assert found.arms[1].value == pytest.approx(plain_variant, rel=1e-4)


def test_adaptive_arms_are_not_adjusted_though_something_is_known(tmp_path: Path) -> None:
    experiment = record("autumn", "adaptive")
    logs, decisions = raw(experiment, 200, RATES, seed=7, known=True)
    found = told(kept(tmp_path / "kept.jsonl", [experiment], logs, decisions), "autumn").report
    assert found is not None
    assert found.comparisons[0].saved is None


def _distinct(logs: dict[int, Log]) -> int:
    events = [json.loads(value or b"") for log in logs.values() for _, _, value in log.records]
    return len({(event["kind"], event["token"]) for event in events})


def test_rates_are_told_per_category_and_pooled(tmp_path: Path) -> None:
    experiment = record("autumn")
    logs, decisions = raw(experiment, 60, RATES, seed=3)
    found = told(kept(tmp_path / "kept.jsonl", [experiment], logs, decisions), "autumn")
    places = [(each.category, each.arm) for each in found.rates]
    assert places == [(c, a) for c in (None, "bags", "shoes") for a in ("template", "warm")]
    for arm in RATES:
        pooled, *parts = [each for each in found.rates if each.arm == arm]
        again = recount(logs, arm, weighted=False).sum(axis=0)
        assert pooled.impressions == sum(each.impressions for each in parts) == again[0]
        assert pooled.clicks == sum(each.clicks for each in parts) == again[1]


def test_lost_shoppers_of_one_arm_make_every_figure_worthless(tmp_path: Path) -> None:
    experiment = record("autumn")
    logs, decisions = raw(experiment, 400, RATES, seed=7)
    for log in logs.values():
        lost = [at for at, each in enumerate(log.records) if _is_lost(each[2])]
        log.records = [(n, t, v) for n, (_, t, v) in enumerate(r for at, r in enumerate(log.records) if at not in lost)]
    found = told(kept(tmp_path / "kept.jsonl", [experiment], logs, decisions), "autumn").report
    assert found is not None
    assert found.srm.fired
    assert found.comparisons[0].decision is not None
    assert found.comparisons[0].decision.value == "invalid_srm"


def _is_lost(value: bytes | None) -> bool:
    event = json.loads(value or b"")
    claims = verify(event["token"], KEYS)
    return claims is not None and claims.arm == code_of("warm") and int(event["user_id"][8:]) % 3 == 0


def test_adaptive_counts_without_decisions_are_said_to_be_untested(tmp_path: Path) -> None:
    experiment = record("autumn", "adaptive")
    logs, _ = raw(experiment, 30, RATES, seed=7)
    found = told(kept(tmp_path / "kept.jsonl", [experiment], logs, []), "autumn")
    assert "not tested" in found.notes[0]


def test_a_decision_that_stands_twice_counts_once_by_its_logged_propensities() -> None:
    experiment = record("autumn", "adaptive")
    decided = Decided([experiment])
    for number in range(4_000):
        arm = "template" if number % 2 else "warm"
        body = {"decision_id": str(number), "experiment": "autumn", "arm": arm, "excluded": number < 2}
        body |= {
            "eligible": {"template": 0.45, "warm": 0.55},
            "event": {"topic": "e", "partition": 0, "offset": number},
        }
        for _ in range(2):
            decided.put(json.dumps(body).encode())
    (stratum,) = decided.strata("autumn")
    assert (stratum.propensities, stratum.observed) == ((0.45, 0.55), (1_999, 1_999))
    assert mismatch(["template", "warm"], [stratum]).fired


def test_nothing_yet_no_record_and_no_such_experiment(tmp_path: Path) -> None:
    running = record("autumn")
    path = kept(tmp_path / "kept.jsonl", [running], {}, [])
    found = reported(load(), 5, None, path)
    assert [each.experiment for each in found] == ["autumn", load().experiment.name]
    assert found[0].report is not None
    assert found[0].report.comparisons[0].decision is not None
    assert found[0].report.comparisons[0].decision.value == "too_early"
    assert found[1].report is None
    with pytest.raises(ConfigError, match="no such experiment"):
        reported(load(), 5, "winter", path)
    assert "too_early" in written(found)
    assert "<svg" not in page(found)


def test_the_verb_writes_text_json_and_a_page(tmp_path: Path) -> None:
    aa: ExperimentRecord = record("twins", "aa")
    logs, decisions = raw(aa, 500, {"template": 0.1, "warm": 0.1}, seed=5, known=True)
    path = kept(tmp_path / "kept.jsonl", [aa], logs, decisions)
    words = ["report", "--experiment", "twins", "--from", str(path), "--json", str(tmp_path / "r.json")]
    done = CliRunner().invoke(build(), [*words, "--html", str(tmp_path / "r.html")])
    assert done.exit_code == 0, done.output
    assert "whatever is found here is a false alarm" in done.stdout
    assert "variance saved by what was known of the shoppers before" in done.stdout
    assert "all categories" in done.stdout
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["schema"] == "patter.report/1"
    compared = result["experiments"][0]["report"]["comparisons"][0]
    assert compared["decision"] == "no_difference_shown"
    text = (tmp_path / "r.html").read_text()
    assert f"{compared['saved']:.1%}" in done.stdout
    assert f"{compared['saved']:.1%}" in text
    drawings = text.split("<svg")[1:]
    assert len(drawings) == 2
    for drawing in drawings:
        ElementTree.fromstring("<svg" + drawing.split("</svg>")[0] + "</svg>")
