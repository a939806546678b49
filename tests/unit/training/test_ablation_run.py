"""An ablation from examples to its table on a base of no skill: every arm is its own, what stands is not run again."""

import json

import msgspec
import pytest
import torch
from tiny_bases import approved_csv, make_base

from inference.generate.text_prompt import text_prompt
from inference.text.conversion import KEYWORDS, SCHEMA, Conversion, Weight, write_conversion
from patter.files.approved import read_approved
from schemas.approved import ApprovedCopy
from training.ablation import __main__ as command
from training.ablation.arms import FULL, NO_POST_PROCESSING, TRAINED, Arm, objective_of, prompted
from training.ablation.ground import ground_of
from training.ablation.one import run_one
from training.objective.config import Loss, Objective, Preference, Weights

WHOLE = Objective(
    loss=Loss(unlikelihood=0.5, cta=0.5, conversion=1.0),
    reward=Weights(conversion=1.0),
    preference=Preference(samples=4),
)
AIMS = """
conversion = "conversion.json"
[loss]
unlikelihood = 0.5
ngram = 2
cta = 0.5
conversion = 1.0
[reward]
conversion = 1.0
[preference]
samples = 3
prompts = 4
[plateau]
prompts = 1
samples = 1
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("shop")
    found = read_approved(approved_csv(folder), None)
    (folder / "examples.jsonl").write_bytes(b"".join(msgspec.json.encode(copy) + b"\n" for copy in found.copies))
    (folder / "aims.toml").write_text(AIMS)
    model = Conversion(
        schema=SCHEMA,
        version="",
        attributes={KEYWORDS: Weight(mean=0.0, scale=1.0, weight=2.0)},
        segments={},
        ngrams={"morning": 1.0},
        order=1,
        source={},
        figures={},
    )
    write_conversion(model, folder / "conversion.json")
    make_base(folder / "base", "smollm")
    return folder


def copies_of(shop):
    decoder = msgspec.json.Decoder(ApprovedCopy)
    return [decoder.decode(line) for line in (shop / "examples.jsonl").read_bytes().splitlines()]


def go(shop, out, *more):
    asked = ["--base", str(shop / "base"), "--examples", str(shop / "examples.jsonl")]
    asked += ["--objective", str(shop / "aims.toml"), "--out", str(out), "--method", "full", "--rate", "1e-3"]
    return command.main([*asked, "--seeds", "2", "--prompts", "2", "--samples", "2", "--threads", "1", *more])


def test_each_arm_leaves_out_one_part_and_no_other():
    changed = {arm.name: objective_of(arm, WHOLE) for arm in TRAINED}
    assert changed[FULL] == WHOLE
    assert changed["no_unlikelihood"].loss == Loss(cta=0.5, conversion=1.0)
    assert changed["no_cta_weight"].loss == Loss(unlikelihood=0.5, conversion=1.0)
    assert changed["no_conversion_weight"].loss == Loss(unlikelihood=0.5, cta=0.5)
    assert changed["no_preference_step"] == msgspec.structs.replace(WHOLE, preference=Preference())
    assert not changed["plain_tuning"].on
    for arm in TRAINED:
        assert changed[arm.name].reward == WHOLE.reward
    single = [arm for arm in TRAINED if arm.name.startswith("no_")]
    fields = [name for name in Arm.__struct_fields__ if name != "name"]
    assert all(sum(not getattr(arm, field) for field in fields) == 1 for arm in single)


def test_prompts_without_control_tokens_do_not_tell_requests_apart(shop):
    ground = ground_of(copies_of(shop), 3, 1)
    (row, _), *_ = ground.learned
    bare, full = Arm(name="x", controls=False), Arm(name="y")
    others = [
        msgspec.structs.replace(row.request, segment=segment, tone=tone, cta=cta, sentiment=mood)
        for segment, tone, cta, mood in (("new", "warm", "shop", "positive"), ("loyal", "bold", "save", "neutral"))
    ]
    assert len({text_prompt(prompted(full, each, None)) for each in others}) == 2
    assert len({text_prompt(prompted(bare, each, None)) for each in others}) == 1
    assert "Meet it." in text_prompt(prompted(full, row.request, "Meet it."))
    assert "Meet it." not in text_prompt(prompted(Arm(name="z", references=False), row.request, "Meet it."))


def test_no_held_out_product_is_learned_from_and_references_come_from_the_learned(shop):
    ground = ground_of(copies_of(shop), 3, 1)
    learned = {row.product.product_id for row, _ in ground.learned}
    assert learned.isdisjoint(row.product.product_id for row, _ in ground.held)
    said = {row.text for row, _ in ground.learned}
    assert {reference for _, reference in ground.held} <= said
    assert 0 < sum(reference is not None for _, reference in ground.learned) < len(ground.learned)


def test_the_table_is_made_of_runs_and_a_killed_ablation_goes_on(shop, tmp_path, monkeypatch):
    kept = ("full", "no_control_tokens", "no_preference_step", "untuned_base")
    arms = tuple(arm for arm in TRAINED if arm.name in kept)
    monkeypatch.setattr(command, "TRAINED", arms)
    calls = []

    def counted(arm, seed, *others):
        if len(calls) == 5:
            calls.append("killed")
            raise KeyboardInterrupt
        calls.append((arm.name, seed))
        return run_one(arm, seed, *others)

    monkeypatch.setattr(command, "run_one", counted)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        go(shop, out)
    assert calls == [*((arm.name, 1) for arm in arms), ("full", 2), "killed"]
    before = {path.name: path.read_bytes() for path in out.glob("*-1.json")}
    assert set(before) == {f"{arm.name}-1.json" for arm in arms}
    assert go(shop, out) == 0
    assert calls[6:] == [(arm.name, 2) for arm in arms[1:]]
    assert before == {path.name: path.read_bytes() for path in out.glob("*-1.json")}
    found = json.loads((out / "ablation.json").read_text())
    assert set(found["arms"]) == {*kept, NO_POST_PROCESSING}
    assert (found["seeds"], found["prompts"], found["products"]) == ([1, 2], 2, 1)
    assert "| untuned base |" in (out / "ablation.md").read_text()
    # What learns nothing is the same under every seed.
    assert (out / "untuned_base-1.json").read_bytes() == (out / "untuned_base-2.json").read_bytes()
    assert go(shop, out, "--epochs", "2") == 2
