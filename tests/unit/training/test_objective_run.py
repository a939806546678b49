"""A whole run with an objective: off it is the run without one; on, every figure stands in the metrics and the card."""

import json
from io import StringIO

import msgspec
import pytest
import torch
from rich.console import Console
from tiny_bases import approved_csv, make_base

from patter.files.approved import read_approved
from schemas.errors import ConfigError
from training.objective import aim as aims
from training.objective.config import Loss, Objective, Plateau, Preference, Weights
from training.tune.folder import Options
from training.tune.run import tune

ALL = Objective(
    loss=Loss(unlikelihood=0.5, ngram=2, cta=0.5, conversion=1.0),
    reward=Weights(conversion=1.0),
    plateau=Plateau(every=20, prompts=2, samples=2, patience=0),
    preference=Preference(samples=4, prompts=5, rate=1e-3, batch=4),
)


def predict(text, segment):
    return 0.9 if "morning" in text else 0.3


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("shop")
    path = approved_csv(folder)
    # One segment, so that the texts for a product are siblings.
    path.write_text(path.read_text().replace(",new,", ",any,").replace(",loyal,", ",any,"))
    found = read_approved(path, None)
    (folder / "examples.jsonl").write_bytes(b"".join(msgspec.json.encode(copy) + b"\n" for copy in found.copies))
    make_base(folder / "base", "smollm")
    return folder


def go(shop, out, objective, *, resume=False, epochs=20):
    options = Options(
        base=str(shop / "base"),
        method="full",
        epochs=epochs,
        seed=3,
        batch=7,
        rate=3e-3,
        rank=4,
        threads=1,
        save_every=25,
        least_admitted=0.0,
        objective=objective,
    )
    console = Console(file=StringIO(), width=200)
    return tune(options, shop / "examples.jsonl", out, resume=resume, console=console, predict=predict)


@pytest.fixture(scope="module")
def whole(shop, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    return out, go(shop, out, ALL)


def weights_of(out):
    return (out / "checkpoint" / "model.safetensors").read_bytes()


def test_with_every_term_off_the_weights_are_those_of_plain_tuning(shop, tmp_path):
    go(shop, tmp_path / "plain", None, epochs=2)
    off = go(shop, tmp_path / "off", Objective(), epochs=2)
    assert weights_of(tmp_path / "plain") == weights_of(tmp_path / "off")
    card = (tmp_path / "off" / "bundle" / "MODEL_CARD.md").read_text()
    assert "unlikelihood of siblings' 4-grams 0 " in card
    assert "- **Preference:** off." in card
    assert "Objective" not in (tmp_path / "plain" / "bundle" / "MODEL_CARD.md").read_text()
    assert off["metrics"]["sentiment"]["n"] == 9


def test_figures_and_card_say_which_terms_were_on_and_whose_reading_they_are(whole):
    out, result = whole
    objective = result["metrics"]["training"]["objective"]
    assert objective["loss"]["unlikelihood"] == 0.5
    assert objective["marked"]["examples"] == 21
    assert objective["marked"]["unlikely_tokens"] > 0
    assert objective["marked"]["call_tokens"] > 0
    assert [step for step, _, _ in objective["measures"]] == [20.0, 40.0, 60.0]
    assert objective["held_out"]["tuned"]["n"] == 4
    gained = objective["held_out"]["gain"]
    assert gained["reward"]["difference"]["n"] == gained["passed"]["difference"]["n"] == 1
    assert gained["reward"]["difference"]["value"] == pytest.approx(
        gained["reward"]["after"] - gained["reward"]["before"], abs=2e-4
    )
    pairs = [json.loads(line) for line in (out / aims.PAIRS).read_text().splitlines()]
    assert objective["held_out"]["pairs"]["n"] == len(pairs) > 0
    assert all(pair["rejected_reward"] is None or pair["chosen_reward"] > pair["rejected_reward"] for pair in pairs)
    card = (out / "bundle" / "MODEL_CARD.md").read_text()
    for said in (
        "2-grams 0.5",
        "calls to action 0.5",
        "examples by conversion 1 ",
        f"over {len(pairs)} pairs",
        "conversion 1. Faithfulness, policy and length are gates",
        "Patter's own reading",
        "Gain on held-out products:** reward",
        "Sentiment asked and met:** positive",
    ):
        assert said in card, said


def test_a_run_that_died_while_pairs_were_made_ends_with_the_same_weights(shop, whole, tmp_path, monkeypatch):
    def dies(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(aims, "write_pairs", dies)
    with pytest.raises(KeyboardInterrupt):
        go(shop, tmp_path / "out", ALL)
    monkeypatch.undo()
    assert not (tmp_path / "out" / "checkpoint").exists()
    result = go(shop, tmp_path / "out", ALL, resume=True)
    assert weights_of(tmp_path / "out") == weights_of(whole[0])
    mine, other = (each["metrics"]["training"]["objective"] for each in (result, whole[1]))
    assert mine == other


def test_a_run_is_gone_on_from_with_the_same_objective_only(shop, whole):
    changed = msgspec.structs.replace(ALL, loss=Loss(cta=0.25))
    with pytest.raises(ConfigError, match="another objective"):
        go(shop, whole[0], changed, resume=True)


def test_preferring_moves_the_weights(shop, whole, tmp_path):
    go(shop, tmp_path / "out", msgspec.structs.replace(ALL, preference=Preference()))
    assert weights_of(tmp_path / "out") != weights_of(whole[0])
