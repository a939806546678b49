"""`patter simulate` and `patter simulate lambda`: results that say that they are simulated, and refusals."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from patter.cli import build
from patter.plots.curve import drawing

SMALL = ("--seeds", "2", "--decisions", "2000", "--days", "2", "--every-minutes", "720")


def invoked(*words: object):
    return CliRunner().invoke(build(), ["simulate", *map(str, words)])


def test_the_result_says_what_it_is() -> None:
    done = invoked(*SMALL, "--policy", "serving", "--policy", "uniform", "--json", "-")
    assert done.exit_code == 0, (done.output, done.exception)
    result = json.loads(done.stdout)
    assert (result["schema"], result["simulated"], result["seeds"]) == ("patter.simulate/1", True, 2)
    assert set(result["policies"]) == {"serving", "uniform"}
    assert set(result["below"]) == {"uniform"}
    row = result["policies"]["serving"]["regret_per_1000"]
    assert row["low"] <= row["value"] <= row["high"]
    assert {each["part"] for each in result["bench"]} >= {"position", "price_log2", "sponsored"}


def test_a_seed_repeats_itself_and_another_does_not() -> None:
    def regret(seed: int) -> object:
        done = invoked(*SMALL, "--policy", "serving", "--seed", seed, "--json", "-")
        return json.loads(done.stdout)["policies"]["serving"]["regret_per_1000"]

    assert regret(1) == regret(1) != regret(9)


def test_people_read_a_table() -> None:
    done = invoked(*SMALL, "--policy", "serving", "--policy", "uniform", "--reward", "order")
    assert "2 simulated shops" in done.output
    assert "orders per 1,000 decisions" in done.output


@pytest.mark.parametrize("words", [("--reward", "love"), ("--policy", "psychic")])
def test_what_there_is_not_is_refused(words: tuple[str, str]) -> None:
    done = invoked(*SMALL, *words)
    assert done.exception.exit_code == 2
    assert words[1] in done.exception.line()


def test_the_lambda_curve_as_json_csv_and_plot(tmp_path: Path) -> None:
    csv, svg = tmp_path / "curve.csv", tmp_path / "curve.svg"
    done = invoked("lambda", "--seeds", 3, "--csv", csv, "--svg", svg, "--json", "-")
    assert done.exit_code == 0, (done.output, done.exception)
    result = json.loads(done.stdout)
    assert result["creativity_costs_clicks_by_construction"] is True
    assert len(result["curve"]) == 5 * 11
    lines = csv.read_text().splitlines()
    assert lines[0].split(",")[:3] == ["category", "lambda", "diversity"]
    assert len(lines) == 1 + 5 * 11
    root = ElementTree.fromstring(svg.read_text())
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 3 * 5


def test_showing_all_candidates_is_no_selection() -> None:
    assert invoked("lambda", "--shown", 4, "--candidates", 4).exception.exit_code == 2


def test_a_plot_marks_names_and_refuses_nothing() -> None:
    rows = [{"g": "a<b", "x": x, "y": x * x} for x in (0.0, 1.0, 2.0)]
    assert "a&lt;b" in drawing(rows, "x", ("y",), "g", "t")
    with pytest.raises(ValueError, match="nothing"):
        drawing([], "x", ("y",), "g", "t")
