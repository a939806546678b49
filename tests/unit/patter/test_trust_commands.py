"""`patter evaluate srm` and `patter evaluate intervals`: files, results, and what ends them."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patter.cli import build
from schemas.errors import Code, ConfigError

UPWORTHY = Path(__file__).parents[4] / "shared" / "data" / "upworthy" / "upworthy_dev.csv.gz"


def asked(*words: str):
    done = CliRunner().invoke(build(), ["evaluate", *words, "--json", "-"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, json.loads(done.stdout)


def a_file(folder: Path, *rows: str, header: str = "experiment,arm,n,expected_share") -> Path:
    path = folder / "counts.csv.gz"
    path.write_bytes(gzip.compress("\n".join([header, *rows]).encode()))
    return path


def test_srm_fires_where_the_split_is_off(tmp_path: Path) -> None:
    path = a_file(tmp_path, "right,a,50100,0.5", "right,b,49900,0.5", "off,a,53000,0.5", "off,b,50000,0.5")
    code, told = asked("srm", "--counts", str(path))
    assert code == 0
    assert told["schema"] == "patter.evaluate.srm/1"
    assert (told["tests"], told["fired"], told["alpha"], told["ok"]) == (2, 1, 0.001, True)
    right, off = told["results"]
    assert (right["experiment"], right["fired"], off["fired"]) == ("right", False, True)
    # One degree: z = 3000 / sqrt(103000).
    assert off["statistic"] == pytest.approx(3000**2 / 103_000)
    assert off["caught_error"] == pytest.approx(0.0142, abs=0.0001)
    assert [cell["n"] for cell in off["cells"]] == [53_000, 50_000]


def test_srm_with_equal_shares_sources_and_groups(tmp_path: Path) -> None:
    rows = ["t1,a,500,web,0", "t1,b,510,web,0", "t1,a,700,app,0", "t1,b,300,app,0", "t2,a,9,web,1", "t2,b,9,web,1"]
    path = a_file(tmp_path, *rows, header="test,arm,viewers,source,bad")
    words = ("srm", "--counts", str(path), "--map", "experiment=test", "--map", "n=viewers", "--by", "bad")
    _, told = asked(*words)
    assert [(each["by"], each["tests"], each["fired"]) for each in told["groups"]] == [("0", 1, 1), ("1", 1, 0)]
    assert told["results"][0]["sources"]["app"] < 1e-30 < told["results"][0]["sources"]["web"]
    text = CliRunner().invoke(build(), ["evaluate", *words]).stdout
    assert "1 of 2 experiments fired" in text
    assert "0: 1 of 1" in text


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (("t,a,5,0.5", "t,b,5,0.4"), "sum to 0.9"),
        (("t,a,5,0.5", "t,b,5,"), "sum to 0.5"),
        (("t,a,five,0.5",), "no whole number"),
        (("t,a,5,1.5",), "no share"),
        (("t,a,5,0.5", "t,a,5,0.5"), "twice"),
    ],
)
def test_a_bad_file_is_told_by_line(tmp_path: Path, rows: tuple[str, ...], what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        asked("srm", "--counts", str(a_file(tmp_path, *rows)))
    assert caught.value.code is Code.FILE_INVALID
    assert "counts.csv.gz:" in caught.value.where


def test_a_missing_column_and_a_wrong_map_are_told(tmp_path: Path) -> None:
    path = a_file(tmp_path, "t,a,5", header="experiment,arm,count")
    with pytest.raises(ConfigError, match="no column 'n'"):
        asked("srm", "--counts", str(path))
    with pytest.raises(ConfigError, match="names no field"):
        asked("srm", "--counts", str(path), "--map", "size=count")


@pytest.mark.skipif(not UPWORTHY.exists(), reason="the Upworthy data is not here")
def test_on_upworthy_it_fires_on_the_tests_that_are_known_to_be_off() -> None:
    words = ("--map", "experiment=clickability_test_id", "--map", "n=impressions", "--by", "problem")
    _, told = asked("srm", "--counts", str(UPWORTHY), *words)
    shares = {each["by"]: each["share"]["value"] for each in told["groups"]}
    assert shares["1"] > 0.6
    assert 0.002 < shares["0"] < 0.01


@pytest.mark.statistical
def test_intervals_tells_the_error_rates() -> None:
    """A few hundred experiments: the keys and that the run repeats. The rates are tested beside the core."""
    words = ("intervals", "--experiments", "300", "--peeks", "8", "--effect", "0.3", "--seed", "3")
    code, told = asked(*words)
    keys = {"rejected_peeked", "upper_bound", "rejected_fixed", "rejected_z_peeked", "power"}
    assert keys <= set(told)
    assert told["rejected_peeked"] < told["upper_bound"] < told["rejected_z_peeked"]
    assert told["simulated"] is True
    assert (code == 0) is told["ok"] is (told["failures"] == [])
    again = asked(*words)[1]
    assert {key: again[key] for key in keys} == {key: told[key] for key in keys}


@pytest.mark.statistical
def test_intervals_tells_what_is_gained_by_what_was_known_before() -> None:
    words = ("intervals", "--experiments", "300", "--peeks", "8", "--effect", "0.3", "--seed", "3")
    plain, known = asked(*words)[1], asked(*words, "--before", "20")[1]
    assert plain["adjusted"] is None
    assert {key: known[key] for key in ("rejected_fixed", "power")} == {
        key: plain[key] for key in ("rejected_fixed", "power")
    }
    found = known["adjusted"]
    assert 0.3 < found["saved"] < 0.6
    assert found["power"] > plain["power"]
    assert found["used"] < plain["shoppers"]["used"]
    nobody = asked(*words, "--before", "1e-12")[1]
    assert nobody["adjusted"]["rejected_fixed"] == nobody["rejected_fixed"]
    assert nobody["adjusted"]["saved"] == 0


def test_too_few_experiments_show_nothing_and_end_with_one() -> None:
    code, told = asked("intervals", "--experiments", "10", "--peeks", "3", "--effect", "0.5")
    assert code == 1
    assert "upper bound" in told["failures"][0]


def test_a_plan_that_is_none_is_usage() -> None:
    with pytest.raises(ConfigError, match="no plan"):
        asked("intervals", "--effect", "0")


def a_log_of_visits(folder: Path) -> Path:
    """300 shoppers with 4 visits each; every third of them buys at every second."""
    path = folder / "visits.csv"
    rows = [
        f"s{who},{1 + visit % 2},{int(who % 3 == 0 and visit % 2 == 0)}" for visit in range(4) for who in range(300)
    ]
    path.write_text("\n".join(["who,seen,bought", *rows]) + "\n")
    return path


def test_intervals_of_a_log_s_own_shoppers(tmp_path: Path) -> None:
    columns = ("--map", "shopper=who", "--map", "trials=seen", "--map", "successes=bought")
    words = ("intervals", "--data", str(a_log_of_visits(tmp_path)), *columns, "--experiments", "400", "--effect", "0.5")
    code, told = asked(*words, "--peeks", "4")
    assert (code, told["ok"], told["simulated"], told["rows"]) == (0, True, False, 1_200)
    assert told["baseline"] == pytest.approx(200 / 1_800)
    assert told["shoppers"] == {"all": 300, "impressions_each": 6.0}
    assert told["upper_bound"] <= 0.065
    assert told["design_effect"] > 1
    assert asked(*words, "--peeks", "4")[1]["power"] == told["power"] > 0.2
    text = CliRunner().invoke(build(), ["evaluate", *words]).stdout
    assert "400 splits of 300 shoppers" in text


@pytest.mark.parametrize(
    ("rows", "words", "what"),
    [
        (("a,1", "b,0"), (), "successes"),
        (("a,1", "b,0"), ("--map", "successes=bought", "--map", "trials=seen"), "seen"),
        (("a,1", "b,-1"), ("--map", "successes=bought"), "no amount"),
        (("a,1", "b,nan"), ("--map", "successes=bought"), "no amount"),
        (("a,1", "a,0"), ("--map", "successes=bought"), "two shoppers"),
        (("a,1", "b,1"), ("--map", "successes=bought"), "two shoppers who differ"),
        (("a,1", "b,0"), ("--map", "successes=bought", "--effect", "3"), "not trials enough"),
        (("a,1", "b,0"), ("--map", "clicks=bought"), "names no field"),
    ],
)
def test_a_log_that_cannot_be_split_says_why(
    tmp_path: Path, rows: tuple[str, ...], words: tuple[str, ...], what: str
) -> None:
    path = a_file(tmp_path, *rows, header="shopper,bought")
    with pytest.raises(ConfigError) as error:
        asked("intervals", "--data", str(path), *words)
    assert what in error.value.line()


def test_columns_are_of_data_only() -> None:
    with pytest.raises(ConfigError, match="no columns"):
        asked("intervals", "--map", "shopper=who")


def test_on_real_customers_of_a_mailing() -> None:
    """Hillstrom's e-mail test, whoever got which mail: rare purchases of unequal amounts."""
    path = Path(__file__).parents[4] / "shared" / "data" / "hillstrom" / "hillstrom_dev.csv.gz"
    if not path.exists():
        pytest.skip("the shared data are not here")
    words = ("--map", "shopper=customer_id", "--map", "successes=spend", "--experiments", "200", "--peeks", "5")
    code, told = asked("intervals", "--data", str(path), *words)
    assert (code, told["shoppers"]["all"]) == (0, 44_829)
    assert told["upper_bound"] <= 0.065
