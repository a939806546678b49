"""`patter reach`: sketches of sources, read and told."""

from pathlib import Path

import msgspec
from typer.testing import CliRunner

from features.aggregates.records import Change, Written
from patter.cli import build
from patter.reach.found import reach_found
from patter.reach.text import written
from patter.settings import Settings, load
from patter.wiring.kafka import topics_of
from schemas.cells import DAY_MS
from schemas.errors import CheckFailed, Code, ConfigError
from schemas.sketches import ALL_TIME, Entry, shopper_number
from schemas.token import code_of
from streams.kafka.dump_lines import DumpRecord, dump_line

DAY = 20_500
MUG, LAMP, OLD = (code_of(name) for name in ("mug", "lamp", "gone"))


def seen(product: int, *shoppers: str, day: int = DAY, kind: int = 0, amount: int = 1) -> list[Entry]:
    return [(kind, day, product, amount, shopper_number(name)) for name in shoppers]


def counted(source: str, entries: list[Entry]) -> tuple[Written, list[Change]]:
    made = Written(source)
    return made, made.step(entries, 7, DAY * DAY_MS)


def sources() -> list[tuple[Written, list[Change]]]:
    """Two lives of one log: bo is a shopper of both."""
    first = seen(MUG, "ann", "bo") + seen(LAMP, "ann") + seen(MUG, "ann", kind=1) + seen(OLD, "cy", day=ALL_TIME)
    second = seen(MUG, "bo", day=DAY + 1) + seen(MUG, "bo", kind=3, amount=1_999)
    return [counted("life:0", first), counted("other:1", second)]


def test_sources_come_together_and_nobody_counts_twice() -> None:
    found = reach_found([each for each, _ in sources()], 2)
    assert [each.bucket for each in found.buckets] == ["all time", "2026-02-17", "2026-02-16"]
    life, newest, _ = found.buckets
    assert {kind: each.value for kind, each in life.shoppers.items()} == {"impressions": 3, "clicks": 1, "orders": 0}
    assert newest.shoppers["impressions"].value == 1
    impressions = life.products["impressions"]
    assert [(each.code, each.low, each.high, each.certain) for each in impressions.top] == [
        (f"{MUG:08x}", 3, 3, True),
        (f"{min(LAMP, OLD):08x}", 1, 1, True),
    ]
    assert (impressions.others_at_most, impressions.total) == (1, 5)
    assert life.products["revenue_minor"].total == 1_999
    assert {name: (each.since, each.through) for name, each in found.sources.items()} == {
        "life:0": (0, 7),
        "other:1": (0, 7),
    }


def kept_in(path: Path, settings: Settings, *, spoilt: bool = False) -> Path:
    topics = topics_of(settings)
    records = [
        DumpRecord(topics["sketches"].name, 0, offset, 0, key, b"{" if spoilt else value)
        for offset, (key, value) in enumerate(change for _, changes in sources() for change in changes)
    ]
    records += [
        DumpRecord(topics["catalog"].name, 0, 0, 0, b"mug", b"{}"),
        DumpRecord(topics["catalog"].name, 0, 1, 0, b"gone", None),
    ]
    path.write_bytes(b"".join(dump_line(record) + b"\n" for record in records))
    return path


def test_the_verb_reads_what_was_kept(tmp_path: Path) -> None:
    kept = kept_in(tmp_path / "kept.jsonl", load(None))
    ran = CliRunner().invoke(build(), ["reach", "--from", str(kept), "--json", str(tmp_path / "reach.json")])
    assert ran.exit_code == 0, ran.output
    lines = ran.output.splitlines()
    assert [line.split() for line in lines[:4]] == [
        ["shoppers", "impressions", "clicks", "orders"],
        ["all", "time", "3", "1", "0"],
        ["2026-02-17", "1", "0", "0"],
        ["2026-02-16", "2", "1", "0"],
    ]
    assert "products by impressions, all time: 5 in all, others 0 at most each" in lines
    assert [line.split()[1:] for line in lines if line.startswith("   1")] == [
        ["mug", "3"],
        ["mug", "1"],
        ["mug", "1,999"],
    ]
    told = msgspec.json.decode((tmp_path / "reach.json").read_bytes())
    assert (told["schema"], told["broker"], told["ok"]) == ("patter.reach/1", None, True)
    named = {each["code"]: each["ids"] for each in told["buckets"][0]["products"]["impressions"]["top"]}
    assert named == {f"{MUG:08x}": ["mug"], f"{OLD:08x}": ["gone"], f"{LAMP:08x}": []}


def test_a_day_is_shown_when_it_is_asked_for(tmp_path: Path) -> None:
    kept = kept_in(tmp_path / "kept.jsonl", load(None))
    ran = CliRunner().invoke(build(), ["reach", "--from", str(kept), "--day", "2026-02-17"])
    assert "products by impressions, 2026-02-17: 1 in all" in ran.output
    ran = CliRunner().invoke(build(), ["reach", "--from", str(kept), "--day", "2026-02-01"])
    assert isinstance(ran.exception, ConfigError)
    assert "2026-02-17, 2026-02-16" in ran.exception.line()


def test_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    settings = load(None)
    path = tmp_path / "kept.jsonl"
    path.write_bytes(dump_line(DumpRecord(topics_of(settings)["catalog"].name, 0, 0, 0, b"mug", b"{}")) + b"\n")
    ran = CliRunner().invoke(build(), ["reach", "--from", str(path)])
    assert (ran.exit_code, ran.output.startswith("nothing was counted yet")) == (0, True)


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    kept = kept_in(tmp_path / "kept.jsonl", load(None), spoilt=True)
    ran = CliRunner().invoke(build(), ["reach", "--from", str(kept)])
    assert isinstance(ran.exception, CheckFailed)
    assert ran.exception.code is Code.UNDECODABLE


def test_products_that_others_may_outdo_are_marked() -> None:
    # As many as cannot all be held, and one that brings more than the bounds are wide.
    entries = seen(MUG, "ann", amount=50) + [entry for product in range(1_000) for entry in seen(product, "ann")]
    made, _ = counted("life:0", entries)
    found = reach_found([made], 3)
    impressions = found.buckets[0].products["impressions"]
    assert impressions.total == 1_050
    assert [each.certain for each in impressions.top] == [True, False, False]
    top = impressions.top[0]
    assert (top.code, top.low <= 50 <= top.high) == (f"{MUG:08x}", True)
    lines = written(found, found.buckets[0]).splitlines()
    assert [line[4] for line in lines if line[:4].strip() in ("1", "2", "3")] == [" ", "?", "?"]
