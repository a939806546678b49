"""With and without an in-context reference: the figures on planned texts, and a tiny model made here, end to end."""

from io import StringIO

import msgspec
import pytest
from rich.console import Console
from slot_text_writer import SlotTextWriter
from tiny_bases import approved_csv, make_base

from inference.bundle import load_bundle, starter_dir
from inference.generate import open_writer
from patter.files.approved import read_approved
from schemas.errors import ConfigError
from schemas.ports import WrittenText
from training.evaluation import factual
from training.evaluation.in_context import chrf, compare, overlap, rouge_l, takes_over
from training.evaluation.likelihood import open_likelihood
from training.tune.folder import Options
from training.tune.run import tune
from training.tune.sift import sift, split


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    return read_approved(approved_csv(tmp_path_factory.mktemp("copy")), None).copies


@pytest.fixture(scope="module")
def rows(copies):
    return sift(copies, 3).rows


@pytest.mark.parametrize(
    ("text", "approved", "value"),
    [
        ("the kettle sings", "the kettle sings", 1.0),
        ("the kettle sings low", "low sings the kettle", 2 * 2 / 8),
        ("a b c", "x y z", 0.0),
        ("", "x", 0.0),
    ],
)
def test_rouge_l_is_the_longest_common_subsequence(text, approved, value):
    assert rouge_l(text, approved) == pytest.approx(value)


def test_chrf_is_one_for_the_same_and_falls():
    assert chrf("Meet {NAME}.", "Meet {NAME}.") == pytest.approx(1.0)
    assert 0 <= chrf("Nothing alike", "xyz") < chrf("Meet {NAME} now.", "Meet {NAME}.") < 1


def test_what_is_taken_over_is_seen_by_its_runs_of_words():
    reference = "The morning starts with {NAME}. See the details."
    assert takes_over("Here the morning starts with {NAME}.", reference)
    assert not takes_over("The morning starts. See {NAME}.", reference)
    assert overlap(reference, reference) == 1.0
    assert overlap("Take a look.", reference) == 0.0


def test_a_writer_that_copies_its_reference_is_told_from_one_that_does_not(rows):
    copying = compare(SlotTextWriter(lambda request: request.reference or "{NAME}."), rows, seed=3, prompts=50)
    own = compare(SlotTextWriter(lambda _: "{NAME} {IS} here, and so is the day."), rows, seed=3, prompts=50)
    assert copying["pairs"] == own["pairs"] > 0
    assert copying["with"]["of_reference"].value == 1.0
    assert copying["with"]["copied_run"].value > 0
    assert copying["without"]["of_reference"].value == 0.0
    assert copying["difference"]["of_reference"].value == 1.0
    assert own["with"]["copied_run"].value == 0.0
    assert own["difference"]["rouge_l"].value == 0.0
    assert copying["difference"]["rouge_l"].value > 0
    assert copying["failures"] == own["failures"] == []


def test_a_fact_of_the_reference_s_product_in_an_admitted_text_is_a_failure(rows):
    learned, _ = split(rows, 3)
    names = " ".join(sorted({row.request.facts["NAME"] for row in learned}))

    class Blind(SlotTextWriter):
        def write(self, requests, deadline_s):
            said = [f"{names}." if request.reference else "{NAME}." for request in requests]
            return [WrittenText(slot_text=text, codes=(), tokens=1, ms=1.0, prompt_id="p") for text in said]

    found = compare(Blind(lambda _: ""), rows, seed=3, prompts=50)
    assert found["with"]["states_its_facts"].value == 1.0
    assert found["without"]["states_its_facts"].value == 0.0
    assert "state a fact of their reference's product: NAME" in found["failures"][0]


def test_held_out_products_lend_no_reference(rows):
    learned, held = split(rows, 3)
    asked = []
    compare(SlotTextWriter(lambda request: asked.append(request) or "{NAME}."), rows, seed=3, prompts=50)
    assert {request.product_id for request in asked} <= {row.request.product_id for row in held}
    texts = {row.text for row in learned}
    assert {request.reference for request in asked} - {None} <= texts


def test_without_other_products_there_is_nothing_to_compare(rows):
    alone = [row for row in rows if row.request.product_id == rows[0].request.product_id]
    with pytest.raises(ConfigError):
        compare(SlotTextWriter(lambda _: "{NAME}."), alone, seed=3, prompts=5)


@pytest.fixture(scope="module")
def words_bundle(copies, tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    examples = folder / "examples.jsonl"
    examples.write_bytes(b"".join(msgspec.json.encode(copy) + b"\n" for copy in copies))
    base = make_base(folder / "base", "llama")
    options = Options(
        base=str(base), method="lora", epochs=1, seed=3, batch=12, rate=1e-3, rank=4, threads=1, least_admitted=0.0
    )
    tune(options, examples, folder / "out", resume=False, console=Console(file=StringIO()))
    return folder / "out" / "bundle", examples


def test_a_tiny_model_is_compared_with_its_own_prompts(words_bundle, rows):
    found = compare(open_writer(words_bundle[0], provider="cpu"), rows, seed=3, prompts=10)
    assert found["pairs"] > 0
    for side in ("with", "without"):
        assert 0 <= found[side]["rouge_l"].value <= 1
        assert found[side]["distinct_1"] is not None


def test_the_command_line_compares_and_refuses_a_bundle_of_control_words(words_bundle, tmp_path, capsys):
    bundle, examples = words_bundle
    target = tmp_path / "found.json"
    asked = ["--examples", str(examples), "--seed", "3", "--json", str(target)]
    assert factual.main(["reference", str(bundle), *asked]) in (0, 1)
    assert msgspec.json.decode(target.read_bytes())["pairs"] > 0
    assert factual.main(["reference", str(starter_dir()), *asked]) == 2
    assert "control words" in capsys.readouterr().err


def test_likelihoods_are_those_of_one_token_after_another(words_bundle):
    """What is behind an option's end, and what stands beside it, does not matter; more rows do not either."""
    model = open_likelihood(load_bundle(words_bundle[0]), rows=4)
    prompt, options = "Facts:\n{NAME} = Harbor Kettle\nText:", [" Harbor Kettle", " Sock", " $9.00 and more", " e"]
    together = model.mean_log(prompt, options)
    assert all(value < 0 for value in together)
    assert len(set(together)) == 4
    assert [model.mean_log(prompt, [option])[0] for option in options] == pytest.approx(together, abs=1e-4)
    assert model.mean_log(prompt, options) == pytest.approx(together, abs=1e-6)
    assert model.mean_log("x " * 5000, options) == pytest.approx(model.mean_log("x " * 5000, options))


def test_a_model_of_no_skill_fails_the_gate(words_bundle, tmp_path):
    from training.evaluation.products import invent

    catalogue = tmp_path / "products.jsonl"
    products = [one.product for one in invent(["apparel", "kitchen"], 80, 2)]
    catalogue.write_bytes(b"\n".join(map(msgspec.json.encode, products)))
    target = tmp_path / "facts.json"
    asked = ["facts", str(words_bundle[0]), "--catalog", str(catalogue), "--count", "60", "--json", str(target)]
    assert factual.main(asked) == 1
    found = msgspec.json.decode(target.read_bytes())
    assert (found["prompt"], found["answered"]) == ("text", 60)
    assert "the lower bound has to be above 50%" in found["failures"][0]
