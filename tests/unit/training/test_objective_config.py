"""The file that says what a tuning aims at."""

import pytest

from inference.text.conversion import KEYWORDS, SCHEMA, Conversion, Weight, write_conversion
from schemas.errors import Code, ConfigError
from training.objective.config import Objective, read_objective
from training.tune import __main__ as command


def wrote(folder, text):
    path = folder / "aims.toml"
    path.write_text(text)
    return path


def test_an_empty_file_switches_nothing_on(tmp_path):
    asked, model = read_objective(wrote(tmp_path, ""))
    assert (asked, model) == (Objective(), None)
    assert not asked.on
    assert not asked.rewarded


@pytest.mark.parametrize(
    "text",
    [
        "[loss]\nunlikelihood = 0.5",
        "[loss]\ncta = 0.5",
        "[loss]\nconversion = 0.5",
        "[plateau]\nevery = 10",
        "[preference]\nsamples = 4",
    ],
)
def test_every_term_is_switched_alone(tmp_path, text):
    asked, _ = read_objective(wrote(tmp_path, text))
    assert asked.on
    assert asked.loss.on == text.startswith("[loss]")
    assert asked.rewarded != asked.loss.on


def test_a_conversion_model_is_found_beside_the_file_and_its_content_belongs_to_the_run(tmp_path):
    (tmp_path / "conversion.json").write_text("{}")
    path = wrote(tmp_path, 'conversion = "conversion.json"\n[loss]\nconversion = 1.0')
    asked, model = read_objective(path)
    assert model == tmp_path / "conversion.json"
    model.write_text("{ }")
    assert read_objective(path)[0] != asked


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[loss]\nnovelty = 1.0", "unknown field `novelty`"),
        ("[reward]\nfaithfulness = 1.0", "unknown field `faithfulness`"),
        ("[loss]\ncta = -1.0", ">= 0"),
        ("[loss]\nconversion = 2.5", "<= 2"),
        ("[loss]\nngram = 1", ">= 2"),
        ("[loss", "declaration"),
        ("[preference]\nsamples = 1", "a pair takes two"),
        ("[plateau]\nevery = 5\n[reward]\nsentiment = 0\ndiversity = 0\ncta = 0", "every weight"),
        ("[preference]\nsamples = 4\n[reward]\nconversion = 1", "needs a model of it"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, text, what):
    with pytest.raises(ConfigError, match=what) as caught:
        read_objective(wrote(tmp_path, text))
    assert caught.value.code is Code.FILE_INVALID


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        read_objective(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match=r"gone\.json"):
        read_objective(wrote(tmp_path, 'conversion = "gone.json"'))


def test_the_model_that_a_file_names_is_read_and_asked(tmp_path):
    part = Weight(mean=0.0, scale=1.0, weight=2.0)
    model = Conversion(
        schema=SCHEMA,
        version="",
        attributes={KEYWORDS: part},
        segments={},
        ngrams={"morning": 1.0},
        order=1,
        source={},
        figures={},
    )
    write_conversion(model, tmp_path / "conversion.json")
    path = wrote(tmp_path, 'conversion = "conversion.json"\n[loss]\nconversion = 1.0')
    asked, predict = command._objective(path)
    assert asked.loss.conversion == 1.0
    assert predict("Every morning.", "any") > predict("Every evening.", "any") == 0.5
    assert command._objective(None) == (None, None)


def test_a_wrong_file_ends_the_command_with_one_line_and_nothing_begun(tmp_path, monkeypatch, capsys):
    path = wrote(tmp_path, "[loss]\nnovelty = 1.0")
    words = ["--base", "b", "--examples", "none", "--out", str(tmp_path / "out"), "--objective", str(path)]
    monkeypatch.setattr("sys.argv", ["tune", *words])
    assert command.main() == 2
    assert capsys.readouterr().err.startswith("error[file_invalid]: Object contains unknown field `novelty`")
    assert not (tmp_path / "out").exists()
