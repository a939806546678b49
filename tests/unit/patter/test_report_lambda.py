"""The lambda curve of the pool, per category and pooled: what each lambda would show."""

import json
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from typer.testing import CliRunner

from patter.cli import build
from patter.report.creativity import LAMBDAS, curves
from patter.report.page import page
from schemas.catalog import Product
from schemas.copy import Candidate, PoolEntry
from schemas.curation import Creativity
from schemas.topics import BY_LOGICAL
from streams.broadcast.curation import Curation
from streams.kafka.dump import DumpRecord, dump_line

# (diversity, P_conv) of the texts of each key.
TEXTS = {
    "mug": ((0.2, 0.30), (0.9, 0.10), (0.5, 0.25)),
    "cup": ((0.1, 0.20), (0.8, 0.12)),
    "boot": ((0.6, 0.05), (0.4, 0.40)),
}
CATEGORY = {"mug": "kitchen", "cup": "kitchen", "boot": "shoes", "hat": "hats"}


def product(name: str) -> Product:
    return Product(product_id=name, name=name, category=CATEGORY[name], price_minor=1, currency="USD")


def entry(name: str, *scores: tuple[float, float], state: str = "standby") -> PoolEntry:
    texts = [
        msgspec.convert(
            {"copy_id": f"{name}{place}", "slot_text": str(place), "state": state, "bundle_sha256": "b",
             "scores": {"diversity": each[0], "p_conv": each[1]}},
            Candidate,
        )
        for place, each in enumerate(scores)
    ]  # fmt: skip
    return PoolEntry(product_id=name, segment="new", variant="warm", channel="web", locale="en", candidates=texts)


POOL = [entry(name, *scores) for name, scores in TEXTS.items()]
CATALOGUE = {name: product(name) for name in CATEGORY}


def best(scores: tuple[tuple[float, float], ...], creativity: float) -> tuple[float, float]:
    return max(scores, key=lambda each: creativity * each[0] + (1 - creativity) * each[1])


def test_each_lambda_shows_what_equation_3_puts_first() -> None:
    found = {each.category: each for each in curves(POOL, CATALOGUE, Curation(), usual=0.5, active=1)}
    assert [(name, each.keys, each.now) for name, each in found.items()] == [
        (None, 3, 0.5), ("kitchen", 2, 0.5), ("shoes", 1, 0.5),
    ]  # fmt: skip
    for category, of in ((None, TEXTS), ("kitchen", {"mug", "cup"}), ("shoes", {"boot"})):
        for creativity, point in zip(LAMBDAS, found[category].points, strict=True):
            shown = [best(TEXTS[name], creativity) for name in of]
            assert point.creativity == creativity
            assert point.diversity == pytest.approx(sum(each[0] for each in shown) / len(shown))
            assert point.p_conv == pytest.approx(sum(each[1] for each in shown) / len(shown))
    ends = found[None].points[0], found[None].points[-1]
    assert ends[0].diversity < ends[1].diversity
    assert ends[0].p_conv > ends[1].p_conv


def test_what_lambda_holds_is_that_of_the_category() -> None:
    curation = Curation()
    curation.weigh(Creativity(category="shoes", creativity=0.9, time_ms=1, by="ada", why="spring"))
    found = curves(POOL, CATALOGUE, curation, usual=0.5, active=1)
    assert [(each.category, each.now) for each in found] == [(None, None), ("kitchen", 0.5), ("shoes", 0.9)]


def test_keys_without_a_choice_move_nothing() -> None:
    bare = msgspec.structs.replace(POOL[0], candidates=[msgspec.structs.replace(POOL[0].candidates[0], scores={})] * 2)
    held = entry("hat", (0.1, 0.2), (0.3, 0.1), state="review")
    others = [entry("hat", (0.1, 0.2)), entry("gone", (0.1, 0.2), (0.3, 0.1)), bare, held]
    assert curves(others, CATALOGUE, Curation(), usual=0.5, active=1) == []
    assert curves(POOL, CATALOGUE, Curation(), usual=0.5, active=3) == []


def test_the_verb_tells_the_curve_in_words_json_and_a_picture(tmp_path: Path) -> None:
    said = Creativity(category="shoes", creativity=0.9, time_ms=1, by="ada", why="spring")
    lines = [(BY_LOGICAL["catalog"].name, each.product_id, msgspec.json.encode(each)) for each in CATALOGUE.values()]
    lines += [(BY_LOGICAL["copy"].name, each.key().encode(), msgspec.json.encode(each)) for each in POOL]
    lines += [(BY_LOGICAL["creativity"].name, "shoes", msgspec.json.encode(said))]
    dumped = [dump_line(DumpRecord(topic, 0, n, 0, key.encode(), value)) for n, (topic, key, value) in enumerate(lines)]
    path = tmp_path / "kept.jsonl"
    path.write_bytes(b"\n".join(dumped) + b"\n")
    words = ["report", "--from", str(path), "--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    done = CliRunner().invoke(build(), words)
    assert done.exit_code == 0, done.output
    assert "lambda: diversity/P_conv" in done.stdout
    told = json.loads((tmp_path / "r.json").read_text())["lambda"]
    assert [(each["category"], each["now"], len(each["points"])) for each in told] == [
        (None, None, 11), ("kitchen", 0.5, 11), ("shoes", 0.9, 11),
    ]  # fmt: skip
    text = (tmp_path / "r.html").read_text()
    drawings = [each.split("</svg>")[0] for each in text.split("<svg")[1:]]
    assert len(drawings) == 3
    for drawing in drawings:
        ElementTree.fromstring("<svg" + drawing + "</svg>")
    assert [drawing.count('class="now"') for drawing in drawings] == [0, 1, 1]


def test_a_flat_curve_is_drawn_too() -> None:
    flat = [entry("mug", (0.5, 0.5), (0.5, 0.5))]
    assert "<svg" in page([], curves(flat, CATALOGUE, Curation(), usual=0.3, active=1))
