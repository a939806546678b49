"""From a shop's file to a bundle that serving opens and writes with, for each family."""

import json
from io import StringIO

import msgspec
import pytest
from rich.console import Console
from tiny_bases import approved_csv, make_base

from inference.bundle import load_bundle
from inference.generate import open_writer
from inference.generate.slots import GRAMMAR, SLOT
from patter.files.approved import read_approved
from schemas.approved import ApprovedCopy
from schemas.errors import CheckFailed, Code, ConfigError, LackingError
from schemas.ports import TextRequest
from training.evaluation import factuality
from training.graph import ParityError
from training.tune import __main__ as command
from training.tune import adapt, product, qualify, run
from training.tune.card import card
from training.tune.folder import Options
from training.tune.run import tune
from training.tune.sift import sift

REQUEST = TextRequest(
    product_id="p9",
    category="Kitchen",
    segment="loyal",
    variant="v",
    tone="warm",
    cta="none",
    length="short",
    channel="push",
    locale="en",
    facts={"NAME": "Copper Pot", "PRICE": "$9.00"},
    seed=1,
    max_chars=120,
)


def options(base, **changes):
    given = {
        "base": str(base),
        "method": "lora",
        "epochs": 1,
        "seed": 3,
        "batch": 12,
        "rate": 1e-3,
        "rank": 4,
        "threads": 1,
        "least_admitted": 0.0,
    }
    return Options(**{**given, **changes})


def copies_of(path):
    decoder = msgspec.json.Decoder(ApprovedCopy)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


def examples_of(folder):
    found = read_approved(approved_csv(folder), None)
    assert found.rejected == []
    path = folder / "examples.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(copy) + b"\n" for copy in found.copies))
    return path


def go(folder, asked, *, resume=False):
    said = StringIO()
    console = Console(file=said, width=200)
    return tune(asked, folder / "examples.jsonl", folder / "out", resume=resume, console=console), said.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    runs = {}

    def of(family, method="lora"):
        if family not in runs:
            folder = tmp_path_factory.mktemp(family)
            examples_of(folder)
            base = make_base(folder / "base", family)
            runs[family] = folder, *go(folder, options(base, method=method))
        return runs[family]

    return of


@pytest.mark.parametrize(
    ("family", "method", "kind"),
    [
        ("llama", "lora", "fused"),
        ("qwen2", "full", "fused"),
        ("smollm", "lora", "fused"),
        ("qwen3", "lora", "plain"),
        ("windowed", "lora", "plain"),
    ],
)
def test_a_family_s_base_becomes_a_bundle_that_writes(made, family, method, kind):
    folder, result, said = made(family, method)
    bundle = load_bundle(folder / "out" / "bundle")
    generation = bundle.generation
    assert (generation.prompt, generation.graph.kind) == ("text", kind)
    assert (generation.bos is None) == (family != "llama")
    assert result["metrics"]["gates"]["onnx_equals_transformers"] == 1.0
    assert ("is not fused" in said) == (kind == "plain")
    requests = [msgspec.structs.replace(REQUEST, seed=seed) for seed in range(6)]
    requests.append(msgspec.structs.replace(REQUEST, reference="Meet {NAME}.", avoid=("copy_claim",)))
    writer = open_writer(bundle.folder, provider="cpu", batch=4)
    texts = writer.write(requests, 60.0)
    for text in texts:
        assert set(SLOT.findall(text.slot_text)) <= {"NAME", "PRICE", *GRAMMAR}
        assert not any(letter.isdigit() or letter in "$%<>[]|\n" for letter in SLOT.sub("", text.slot_text))
    assert len({text.slot_text for text in texts}) > 1
    alone = [writer.write([request], 60.0)[0] for request in requests]
    assert [text.slot_text for text in alone] == [text.slot_text for text in texts]


def test_it_says_before_it_starts_what_it_needs(made):
    _, result, said = made("smollm")
    assert said.index("memory: about") < said.index("exporting")
    assert all(word in said for word in ("rows: 21 to learn from, 3 held out, 0 left out", "time: 2 steps", "disk:"))
    assert result["needs"]["rows"] == 21
    assert "facts that became slots: IS 8, NAME 24, PRICE 8" in said


def test_metrics_and_card_say_what_was_measured(made):
    folder, result, _ = made("smollm")
    bundle = folder / "out" / "bundle"
    metrics = json.loads((bundle / "metrics.json").read_text())
    assert metrics == result["metrics"]
    assert metrics["held_out"]["n"] == 3
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "21 approved texts for 7 products" in card
    assert str(folder / "base") in card


def test_the_same_seed_gives_the_same_model(made, tmp_path):
    folder, _, _ = made("smollm")
    (tmp_path / "examples.jsonl").write_bytes((folder / "examples.jsonl").read_bytes())
    go(tmp_path, options(folder / "base"))
    for name in ("model.onnx", "tokenizer.json", "generation.json"):
        left, right = (each / "out" / "bundle" / name for each in (folder, tmp_path))
        assert left.read_bytes() == right.read_bytes(), name


def test_a_folder_that_holds_something_is_left_alone(made, tmp_path):
    folder, _, _ = made("smollm")
    before = (folder / "out" / "run.json").read_bytes()
    with pytest.raises(ConfigError, match="not empty"):
        go(folder, options(folder / "base"))
    with pytest.raises(ConfigError, match="another epochs"):
        go(folder, options(folder / "base", epochs=2), resume=True)
    assert (folder / "out" / "run.json").read_bytes() == before
    examples_of(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds no run"):
        go(tmp_path, options(folder / "base"), resume=True)


def test_a_run_that_died_at_the_export_goes_on_from_there(made, tmp_path, monkeypatch):
    folder, whole, _ = made("smollm")
    examples_of(tmp_path)
    (tmp_path / "examples.jsonl").write_bytes((folder / "examples.jsonl").read_bytes())

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(product, "make_graph", dies)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, options(folder / "base"))
    assert not (tmp_path / "out" / "bundle").exists()
    monkeypatch.undo()
    result, said = go(tmp_path, options(folder / "base"), resume=True)
    assert "going on from" in said
    assert result["metrics"]["gates"] == whole["metrics"]["gates"]
    left, right = (each / "out" / "bundle" / "model.onnx" for each in (folder, tmp_path))
    assert left.read_bytes() == right.read_bytes()


def test_a_finished_run_is_not_run_again(made):
    folder, result, _ = made("smollm")
    again, said = go(folder, options(folder / "base"), resume=True)
    assert again == result
    assert "is finished" in said


def test_where_the_parity_gate_fails_there_is_no_bundle(made, tmp_path, monkeypatch):
    folder, _, _ = made("smollm")
    (tmp_path / "examples.jsonl").write_bytes((folder / "examples.jsonl").read_bytes())

    def differs(*_):
        raise ParityError("the exported graph agrees with transformers on 3.0% of 20 texts")

    monkeypatch.setattr(product, "make_graph", differs)
    with pytest.raises(CheckFailed) as caught:
        go(tmp_path, options(folder / "base"))
    assert caught.value.code is Code.PARITY
    assert "3.0%" in json.loads((tmp_path / "out" / "result.json").read_text())["failures"][0]
    assert not (tmp_path / "out" / "bundle").exists()


def test_too_few_admitted_texts_are_a_failure_that_is_told(made):
    _, result, _ = made("smollm")
    share = result["metrics"]["held_out"]["admitted"]
    assert run._failures(result["metrics"], options("b", least_admitted=1.0)) == [
        f"the checks admit {share:.0%} of 3 held-out texts, fewer than 100%"
    ]
    assert run._failures(result["metrics"], options("b", least_admitted=share)) == []
    nothing = {"held_out": {"n": 0, "admitted": None}, "factuality": {"qualified": None}}
    assert run._failures(nothing, options("b", least_admitted=1.0)) == []


def test_a_bundle_that_cannot_read_the_records_does_not_pass(made, monkeypatch):
    folder, result, _ = made("smollm")
    assert result["metrics"]["factuality"]["qualified"] is None
    assert "not asked; the records give" in (folder / "out" / "bundle" / "MODEL_CARD.md").read_text()
    monkeypatch.setattr(qualify, "LEAST_ANSWERED", 4)
    monkeypatch.setattr(factuality, "LEAST_ANSWERED", 4)
    products = [row.product for row in sift(copies_of(folder / "examples.jsonl"), 3).rows]
    found = qualify.qualified(folder / "out" / "bundle", products, 3, 0.5)
    # Random weights read nothing: of so few questions the lower bound cannot be above the floor by chance.
    assert found["qualified"] is False
    assert found["accuracy"]["n"] == found["asked"] >= 4
    metrics = {**result["metrics"], "factuality": found}
    assert "factuality: accuracy" in run._failures(metrics, options("b"))[0]
    assert run._failures(metrics, options("b", least_factual=0.0)) == []
    assert "it does not pass" in card("x", "base", metrics)


def test_rows_that_do_not_do_are_told_and_kept(made, tmp_path):
    folder, _, _ = made("smollm")
    lines = (folder / "examples.jsonl").read_bytes().splitlines()
    bad = json.loads(lines[0])
    bad |= {"text": "Nothing of the product.", "line": 77, "row": {"text": "Nothing of the product."}}
    (tmp_path / "examples.jsonl").write_bytes(json.dumps(bad).encode() + b"\n")
    with pytest.raises(ConfigError, match="no row does to learn from"):
        go(tmp_path, options(folder / "base"))
    (rejected,) = map(json.loads, (tmp_path / "out" / "rejected.jsonl").read_text().splitlines())
    assert (rejected["line"], rejected["row"]) == (77, {"text": "Nothing of the product."})
    assert "copy_name_missing" in rejected["reason"]


def test_a_base_that_is_not_here_is_named_and_nothing_has_begun(tmp_path):
    examples_of(tmp_path)
    with pytest.raises(ConfigError) as caught:
        go(tmp_path, options(tmp_path / "nowhere"))
    assert caught.value.code is Code.FILE_MISSING
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_hub_name_without_a_network_is_a_lack_of_the_environment(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("We couldn't connect\nlong story")

    monkeypatch.setattr(adapt.AutoTokenizer, "from_pretrained", unreachable)
    examples_of(tmp_path)
    with pytest.raises(LackingError, match="cannot be fetched: We couldn't connect") as caught:
        go(tmp_path, options("some/model"))
    assert caught.value.code is Code.DEPENDENCY_MISSING


@pytest.mark.parametrize(("share", "code"), [(0.0, 0), (1.01, 1)])
def test_the_command_line_ends_with_the_verb_s_exit_code(made, monkeypatch, share, code):
    folder, result, _ = made("smollm")
    failures = run._failures(result["metrics"], options("b", least_admitted=share))
    monkeypatch.setattr(run, "tune", lambda *_, **__: {**result, "failures": failures})
    words = ["--base", "b", "--examples", str(folder / "examples.jsonl"), "--out", str(folder / "out"), "--resume"]
    monkeypatch.setattr("sys.argv", ["tune", *words])
    assert command.main() == code


def test_the_command_line_says_an_error_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["tune", "--base", "b", "--examples", "none", "--out", str(tmp_path)])
    assert command.main() == 2
    assert capsys.readouterr().err.startswith("error[file_missing]: no such file, none")
