"""`patter write` as a user meets it, with a writer that says what it is told."""

import json
import subprocess
import sys

import pytest
from planned_writer import PlannedWriter
from typer.testing import CliRunner

from inference.bundle import Controls
from inference.generate.compose import TRIES
from inference.generate.select import predictor
from patter.cli import build
from patter.write import opening
from patter.write.plan import TONES
from patter.write.run import chunks
from schemas.errors import ConfigError

GOOD = (
    "The morning can wait for {NAME}. Take a look. Shop for {PRICE}.",
    "Put your feet up. Shop {NAME} at its price and take a look.",
    "Guests at the door already? Order {NAME}, see the price, take a look.",
)
CATALOGUE = (
    "product_id,name,category,price\nA,Harbor Kettle,kitchen,39.00 USD\nB,Trail Boots,footwear,99 USD\n"
    "C,Broken,kitchen,dear\nD,Mug,kitchen,5 USD\n"
)
CONTROLS = Controls(
    segments=("any", "new", "regular", "loyal", "big_spender", "bargain_hunter", "lapsed"),
    tones=("plain", "warm", "bold", "playful", "expert"),
    ctas=("none", "shop", "discover", "save", "remind"),
    lengths=("short", "medium"),
    channels=("push",),
    sentiments=("any", "positive"),
    categories={"any": (), "kitchen": ("kitchen",), "footwear": ("footwear",)},
    rooms=(10, 20),
)
ONE = ["--name", "Harbor Kettle", "--category", "kitchen", "--price", "39 USD"]


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the verb; answers (result, writer). Without `say` every text is a good one."""

    def call(*args, say=lambda request, attempt: GOOD[int(request.variant) % 3]):
        writer = PlannedWriter(say)
        opened = opening.Opened(writer=writer, controls=CONTROLS, quantisation="nb8", predict=predictor(None))
        monkeypatch.setattr(opening, "open_bundle", lambda folder: opened)
        return CliRunner().invoke(build(), ["write", *map(str, args)]), writer

    return call


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text(CATALOGUE)
    return path


def test_one_product_for_everybody(run):
    done, writer = run(*ONE)
    assert done.exit_code == 0, done.output
    assert "Harbor Kettle  (kitchen, $39.00)" in done.stdout
    assert "approved" in done.stdout
    assert {request.segment: request.tone for request in writer.asked[0]} == TONES
    assert {request.channel for request in writer.asked[0]} == {"push"}


def test_json_has_the_contracts_keys(run, catalogue):
    done, _ = run("--catalog", catalogue, "--segment", "new", "--segment", "vip", "--json", "-", "--seed", 7)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["schema"] == "patter.write/1"
    assert result["seed"] == 7
    assert result["ok"] is True
    assert result["bundle"] == {"name": "planned", "sha256": "ab" * 32, "quantisation": "nb8", "provider": "cpu"}
    assert set(result["timing"]) == {"copies_per_s", "tokens_per_s", "first_copy_ms"}
    assert [(item["product_id"], item["segment"]) for item in result["items"]] == [
        (product, segment) for product in "ABD" for segment in ("new", "vip")
    ]
    item = result["items"][0]
    assert {"category", "tone", "cta", "channel", "chars_limit", "set_diversity", "embedder"} <= item.keys()
    assert (item["tone"], item["cta"], item["chars_limit"]) == ("warm", "discover", 120)
    assert len(item["variants"]) == 3
    variant = item["variants"][0]
    contract = "copy_id text slot_text slots source verdict codes chars tokens seed scores"
    assert set(contract.split()) <= variant.keys()
    assert {"p_conv", "diversity", "reward", "sentiment", "readability", "cta"} <= variant["scores"].keys()
    assert variant["text"] == "The morning can wait for Harbor Kettle. Take a look. Shop for $39.00."
    assert variant["chars"] == len(variant["text"])
    assert variant["scores"]["p_conv"] is None
    assert "not seen the segment 'vip'" in done.stderr


def test_a_bad_row_is_told_and_the_rest_is_written(run, catalogue):
    done, _ = run("--catalog", catalogue, "--json", "-", "--limit", 2, "--segment", "new")
    assert done.exit_code == 0
    assert f"{catalogue}:4:price" in done.stderr
    result = json.loads(done.stdout)
    assert result["input"] == {"products": 3, "written_for": 2, "bad_rows": 1}
    assert {item["product_id"] for item in result["items"]} == {"A", "B"}


def test_what_fails_is_answered_by_the_template_and_says_so(run):
    done, writer = run(*ONE, "--json", "-", "--segment", "new", say=lambda request, attempt: "The best {NAME}.")
    assert done.exit_code == 0
    (item,) = json.loads(done.stdout)["items"]
    assert [variant["source"] for variant in item["variants"]] == ["template"] * 3
    assert item["variants"][0]["seed"] is None
    assert item["variants"][0]["refused"][0]["codes"] == ["copy_claim", "copy_cta_missing", "copy_unbacked"]
    assert len(writer.asked) == TRIES


def test_a_rule_that_cannot_be_kept_ends_in_1(run, tmp_path):
    rules = tmp_path / "brand.toml"
    rules.write_text('banned = ["kettle", "look", "seen", "shop"]\n')
    done, _ = run(*ONE, "--segment", "new", "--brand-rules", rules, "--json", "-")
    assert done.exit_code == 1
    result = json.loads(done.stdout)
    assert result["ok"] is False
    assert "copy_brand" in result["failures"][0]
    assert result["items"][0]["variants"][0]["verdict"] == "rejected"


def test_another_channel_tone_and_call(run):
    done, writer = run(*ONE, "--channel", "sms", "--tone", "bold", "--cta", "none", "--variants", 1)
    assert done.exit_code == 0
    asked = writer.asked[0]
    assert {(request.channel, request.tone, request.cta, request.max_chars) for request in asked} == {
        ("sms", "bold", "none", 160)
    }


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--tone", "loud"], "--tone"),
        (["--channel", "fax"], "--channel"),
        (["--cta", "beg"], "--cta"),
        (["--sentiment", "grim"], "--sentiment"),
    ],
)
def test_what_is_not_known_is_bad_usage(run, args, said):
    done, _ = run(*ONE, *args)
    assert isinstance(done.exception, ConfigError)
    assert done.exception.where == said
    assert done.exception.exit_code == 2


def test_the_first_product_is_written_alone_and_the_others_in_batches(run, tmp_path):
    rows = "".join(f"P{number},Kettle {number},kitchen,5 USD\n" for number in range(30))
    path = tmp_path / "c.csv"
    path.write_text("product_id,name,category,price\n" + rows)
    _, writer = run("--catalog", path, "--segment", "new", "--variants", 2)
    assert len(writer.asked[0]) == 2
    assert max(map(len, writer.asked)) > 32
    assert [len(chunk) for chunk in chunks(range(30), 21)] == [1, 7, 7, 7, 7, 1]


def test_the_verb_loads_nothing_heavy_before_it_opens_a_bundle():
    code = "import sys, patter.cli.write, patter.write.run, patter.write.view; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"torch", "transformers", "onnxruntime", "tokenizers", "feast", "pandas", "faust", "confluent_kafka"}
    assert not heavy & {name.partition(".")[0] for name in loaded}
