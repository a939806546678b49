"""The figures in the bundle: metrics.json, the card's table, digests; and the command line around them."""

import json
from types import SimpleNamespace

import pytest
from slot_text_writer import SlotTextWriter

from inference.bundle.contents import FILES, SUMS, sums_text
from schemas.errors import Code, ConfigError, LackingError
from training.evaluation import __main__ as command
from training.evaluation import evaluate, measured
from training.evaluation.card import BEGIN, END, table, with_table
from training.pairs import load_controls, load_lines

CARD = "# Starter\n\nWhat it is.\n"
# Enough of the corpus for every channel and most calls to action.
LINES = load_lines()[::40]


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A folder with a bundle's files, and a writer in place of its model."""
    for name in FILES:
        (tmp_path / name).write_text("{}", "utf-8")
    (tmp_path / "MODEL_CARD.md").write_text(CARD, "utf-8")
    (tmp_path / "metrics.json").write_text('{"schema": 2, "gates": {"parity": 1.0}}', "utf-8")
    (tmp_path / SUMS).write_text(sums_text(tmp_path), "utf-8")
    opened = SimpleNamespace(generation=SimpleNamespace(controls=load_controls()))
    monkeypatch.setattr(measured, "load_bundle", lambda _folder: opened)
    monkeypatch.setattr(measured, "load_lines", lambda: LINES)
    writer = SlotTextWriter(lambda _request: "{NAME} {IS} here. Take a look. Shop, save, still here for {PRICE}.")
    monkeypatch.setattr(measured, "open_writer", lambda _folder, provider: writer)
    return tmp_path


def test_the_figures_go_into_metrics_and_card_and_the_digests_follow(bundle):
    before = (bundle / SUMS).read_text()
    metrics = evaluate(bundle, seed=3, prompts=4)
    assert json.loads((bundle / "metrics.json").read_text()) == metrics
    assert metrics["gates"] == {"parity": 1.0}
    assert {name: slice_["prompts"] for name, slice_ in metrics["evaluation"]["slices"].items()} == {
        "products": 4,
        "categories": 4,
        "segments_and_tones": 4,
    }
    card = (bundle / "MODEL_CARD.md").read_text()
    assert card.startswith(CARD)
    assert table(metrics["evaluation"]) in card
    assert (bundle / SUMS).read_text() == sums_text(bundle) != before


def test_measuring_again_changes_nothing(bundle):
    evaluate(bundle, seed=3, prompts=4)
    once = {name: (bundle / name).read_bytes() for name in (*FILES, SUMS)}
    evaluate(bundle, seed=3, prompts=4)
    assert {name: (bundle / name).read_bytes() for name in (*FILES, SUMS)} == once


def test_a_bundle_that_is_only_checked_is_left_alone(bundle):
    once = {name: (bundle / name).read_bytes() for name in (*FILES, SUMS)}
    assert evaluate(bundle, seed=3, prompts=4, write=False)["evaluation"]["seed"] == 3
    assert {name: (bundle / name).read_bytes() for name in (*FILES, SUMS)} == once


def test_another_training_is_what_copies_are_counted_against(bundle):
    own = evaluate(bundle, seed=3, prompts=4, write=False, trained=["Take a look."])["evaluation"]
    assert own["training_texts"] == 1
    # Three sentences; one stands in that training.
    assert own["slices"]["products"]["tries"]["sentences_copied"]["value"] == pytest.approx(1 / 3, abs=1e-4)


def test_the_command_measures_a_catalogue_and_writes_its_result(bundle, tmp_path):
    catalogue, out = tmp_path / "own.jsonl", tmp_path / "out.json"
    catalogue.write_text('{"product_id":"a","name":"Lamp","category":"Home","price_minor":5,"currency":"USD"}\n\n')
    code = command.main(
        [str(bundle), "--catalog", str(catalogue), "--prompts", "2", "--check-only", "--json", str(out)]
    )
    found = json.loads(out.read_text())
    assert found["slices"]["catalogue"]["prompts"] == 2
    assert code == bool(found["failures"])
    assert (bundle / "MODEL_CARD.md").read_text() == CARD


def test_the_command_names_the_line_of_a_catalogue_that_does_not_read(bundle, tmp_path, capsys):
    catalogue = tmp_path / "own.jsonl"
    catalogue.write_text(
        '{"product_id":"a","name":"Lamp","category":"Home","price_minor":5,"currency":"USD"}\n{"x":1}\n'
    )
    assert command.main([str(bundle), "--catalog", str(catalogue)]) == ConfigError.exit_code
    assert "error[file_invalid]" in (line := capsys.readouterr().err)
    assert f"{catalogue}:2" in line


def test_a_bundle_that_is_not_there_is_named(tmp_path, capsys):
    assert command.main([str(tmp_path / "none")]) == LackingError.exit_code
    assert f"error[{Code.BUNDLE_MISSING.value}]" in capsys.readouterr().err


FIGURE = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 12}


def evaluation_of(figure):
    quality = ("faithful", "no_foreign_category", "fact_coverage", "with_a_fact", "cta_as_asked", "sentiment_as_asked")
    more = ("positive_unasked", "length_kept", "no_slip", "flesch", "sentences_copied", "texts_copied", "admitted")
    sets = dict.fromkeys(("diversity", "distinct_2", "self_bleu"), figure)
    slice_ = {part: dict.fromkeys((*quality, *more), figure) for part in ("tries", "admitted")}
    return {"embedder": "e-1", "slices": {"products": {**slice_, "sets": {**sets, "blocks": sets}}, "categories": None}}


def test_the_table_shows_value_interval_and_number():
    text = table(evaluation_of(FIGURE))
    assert "| Admitted by the checks at the first try | 50 % [25 %, 75 %] (12) |" in text
    assert "| Reading ease (Flesch) | 0 [0, 1] (12) |" in text
    assert "held-out categories" not in text
    assert "Diversity by e-1." in text


def test_the_table_says_where_nothing_is_known():
    text = table(evaluation_of({"value": None, "low": None, "high": None, "n": 0}))
    assert "| Sentiment as asked | - |" in text


def test_a_card_keeps_what_stands_around_its_table():
    first = with_table(f"Above.\n\n{BEGIN}\nold\n{END}\n\nBelow.\n", evaluation_of(FIGURE))
    assert first.startswith(f"Above.\n\n{BEGIN}\n\n| ")
    assert first.endswith(f"{END}\n\nBelow.\n")
    assert "old" not in first
    assert with_table(first, evaluation_of(FIGURE)) == first
    assert with_table(CARD, evaluation_of(FIGURE)).count(BEGIN) == 1
