"""`patter ask` and `patter evaluate tasks`: what they hand on, what they show, and what they refuse."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

import inference.bundle
from inference.bundle.generation import Controls
from inference.generate.findings import Finding
from inference.tasks import answers
from inference.tasks.answers import Answer, Choice
from inference.tasks.records import Ad, Classify, Cta, Intent, Qa, TitleRewrite
from inference.tasks.taught import Condition, Taught
from patter.cli import ask as module
from patter.cli import evaluate
from schemas.errors import Code, ConfigError, LackingError

TAUGHT = Taught(
    share=0.5,
    seed=1,
    tasks=("ad", "title_rewrite", "cta", "classify", "intent", "qa"),
    categories=("Lamps", "Mugs"),
    held_categories=(),
    intents=("order", "return"),
    conditions=(
        Condition(segment="any", tone="plain", cta="none", channel="push", length="short"),
        Condition(segment="new", tone="warm", cta="shop", channel="sms", length="short"),
    ),
)
CONTROLS = Controls(segments=(), tones=(), ctas=(), lengths=(), channels=(), sentiments=(), categories={}, rooms=())
FLAGS = ("--name", "Harbor Mug", "--category", "Mugs", "--price", "9 USD")


@pytest.fixture
def bundle(monkeypatch):
    held = SimpleNamespace(
        name="own", sha256="d" * 64, taught=TAUGHT, generation=SimpleNamespace(controls=CONTROLS), asked=[], answer=None
    )
    monkeypatch.setattr(inference.bundle, "load_bundle", lambda _: held)

    def opened(_, *, standards, batch):
        held.standards = standards

        def said(records):
            held.asked += records
            return [held.answer or Answer(task="qa", answer="$9.00", slot_text="{PRICE}")]

        return SimpleNamespace(answers=said)

    monkeypatch.setattr(answers, "open_respondent", opened)
    return held


def call(*words):
    app = typer.Typer()
    app.command()(module.ask)
    result = CliRunner().invoke(app, [*words, "--bundle", "B"])
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("words", "kind", "field", "value"),
    [
        (("title_rewrite", *FLAGS, "--query", "blue mug"), TitleRewrite, "query", "blue mug"),
        (("cta", *FLAGS, "--call", "save"), Cta, "call", "save"),
        (("qa", *FLAGS, "--question", "How much?"), Qa, "question", "How much?"),
        (("classify", "--name", "Mug", "--description", "For tea."), Classify, "description", "For tea."),
        (("classify", "--name", "Mug"), Classify, "options", ("Lamps", "Mugs")),
        (("intent", "--text", "send it back"), Intent, "options", ("order", "return")),
        (("intent", "--text", "hm", "--option", "a", "--option", "b"), Intent, "options", ("a", "b")),
    ],
)
def test_what_is_asked_becomes_a_record(bundle, words, kind, field, value):
    assert call(*words).exit_code == 0
    (record,) = bundle.asked
    assert isinstance(record, kind)
    assert getattr(record, field) == value


def test_an_ad_is_asked_for_under_a_condition_that_was_learned(bundle):
    call("ad", *FLAGS, "--call", "shop", "--seed", "7")
    call("ad", *FLAGS)
    first, second = bundle.asked
    assert isinstance(first, Ad)
    assert (first.request.cta, first.request.channel, first.request.seed) == ("shop", "sms", 7)
    assert (second.request.cta, second.request.channel) == ("none", "push")
    assert second.request.facts["NAME"] == "Harbor Mug"


def test_a_product_of_the_catalogue_is_asked_about_and_its_neighbours_are_known(bundle, tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("product_id,name,category,price\na,Harbor Mug,Mugs,9 USD\nb,Ridge Lamp,Lamps,8 USD\n")
    call("qa", "--catalog", str(path), "--product", "b", "--question", "What is it?")
    assert bundle.asked[0].product.name == "Ridge Lamp"
    assert bundle.standards.neighbours.values.found(("harbor", "mug")) == ["harbor mug"]
    with pytest.raises(ConfigError, match="no product has the id 'c'"):
        call("qa", "--catalog", str(path), "--product", "c", "--question", "What is it?")


def test_an_answer_as_text_and_as_json(bundle):
    bundle.answer = Answer(
        task="intent", answer="order", slot_text="order", choices=(Choice("order", 0.75), Choice("return", 0.25))
    )
    shown = call("intent", "--text", "please")
    assert shown.stdout == "order\n"
    assert "75.0%  order" in shown.stderr
    result = json.loads(call("intent", "--text", "please", "--json", "-").stdout)
    assert (result["schema"], result["ok"], result["answer"]) == ("patter.ask/1", True, "order")
    assert result["choices"][1] == {"answer": "return", "chance": 0.25}
    assert result["bundle"]["sha256"] == "d" * 64


def test_what_a_check_refuses_is_shown_nowhere(bundle):
    bundle.answer = Answer(
        task="title_rewrite",
        answer=None,
        slot_text="{NAME}, waterproof",
        findings=(Finding(Code.COPY_UNBACKED, "waterproof"),),
    )
    words = ("title_rewrite", *FLAGS, "--query", "waterproof mug")
    shown = call(*words)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "refused: copy_unbacked: waterproof" in shown.stderr
    result = json.loads(call(*words, "--json", "-").stdout)
    assert (result["ok"], result["answer"], result["slot_text"]) == (False, None, None)
    assert result["codes"] == ["copy_unbacked"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("poem", *FLAGS), "'poem' is no task"),
        (("title_rewrite", *FLAGS), "title_rewrite needs --query"),
        (("cta", *FLAGS, "--call", "shout"), "'shout' is no type of call"),
        (("intent",), "intent needs --text"),
        (("intent", "--text", "hm", "--option", "a"), "there is only one option"),
        (("qa", "--question", "What?"), "no product is named"),
        (("qa", "--product", "a", "--question", "What?"), "there is no catalogue"),
    ],
)
def test_a_question_that_lacks_something_is_refused(bundle, words, what):
    with pytest.raises(ConfigError, match=what) as caught:
        call(*words)
    assert caught.value.code is Code.USAGE
    assert not bundle.asked


def test_a_bundle_without_the_task_is_refused(bundle):
    bundle.taught = None
    with pytest.raises(LackingError, match="holds no typed tasks") as caught:
        call("qa", *FLAGS, "--question", "What?")
    assert caught.value.code is Code.TASK_MISSING
    assert caught.value.exit_code == 3


@pytest.fixture
def child(monkeypatch, bundle):
    noted = SimpleNamespace(command=[], lines={}, code=0, result={"failures": []})

    def run(command, *, stdout, check):
        noted.command = command
        for flag in ("--catalog", "--intents"):
            if flag in command:
                noted.lines[flag] = Path(command[command.index(flag) + 1]).read_text().splitlines()
        if noted.result is not None:
            Path(command[command.index("--json") + 1]).write_text(json.dumps(noted.result))
        return SimpleNamespace(returncode=noted.code)

    monkeypatch.setattr(subprocess, "run", run)
    return noted


@pytest.fixture
def files(tmp_path):
    catalogue, texts = tmp_path / "c.csv", tmp_path / "said.csv"
    catalogue.write_text("sku,name,category,price\na,Mug,Mugs,9 USD\nb,Lamp,Lamps,cheap\n")
    texts.write_text("message,intent\nI want it,order\n,order\nSend it back,return\n")
    return catalogue, texts


def evaluated(files, *words):
    catalogue, texts = files
    app = typer.Typer()
    app.add_typer(evaluate.app, name="evaluate")
    asked = ["evaluate", "tasks", "--bundle", "B", "--catalog", str(catalogue), "--intents", str(texts)]
    maps = ["--map", "product_id=sku", "--map", "intents.text=message"]
    return CliRunner().invoke(app, [*asked, *maps, *words])


def test_the_evaluation_hears_of_good_products_and_texts(child, files):
    done = evaluated(files, "--count", "7", "--seed", "3", "--json", "-")
    assert done.exit_code == 0, done.output
    assert child.command[1:4] == ["-m", "training.tasks", "B"]
    assert child.command[child.command.index("--count") + 1] == "7"
    assert [json.loads(line)["name"] for line in child.lines["--catalog"]] == ["Mug"]
    assert [json.loads(line) for line in child.lines["--intents"]] == [
        {"text": "I want it", "intent": "order"},
        {"text": "Send it back", "intent": "return"},
    ]
    assert json.loads(done.stdout)["schema"] == "patter.evaluate.tasks/1"


def test_a_task_below_what_needs_no_model_is_exit_1(child, files):
    child.code, child.result = 1, {"failures": ["qa: 40%"]}
    assert evaluated(files).exit_code == 1


def test_a_bundle_without_tasks_is_not_scored(child, files, bundle):
    bundle.taught = None
    done = evaluated(files)
    assert isinstance(done.exception, LackingError)
    assert done.exception.code is Code.TASK_MISSING
    assert child.command == []


def test_a_mapping_that_is_none_is_refused(child, files):
    done = evaluated(files, "--map", "intents.mood=x")
    assert isinstance(done.exception, ConfigError)
    assert "fields: text, intent, kind" in done.exception.hint
