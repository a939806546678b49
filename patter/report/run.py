"""The reports of a shop's experiments, from the broker or from a file of what was kept."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from inference.experiment.intent import Worth, worth
from inference.experiment.report import Report, report
from patter.report.cells import Cells
from patter.report.creativity import LambdaCurve, curves
from patter.report.decided import Decided
from patter.report.rates import ArmRates, rates
from patter.settings import Settings
from patter.wiring.experiments import newest
from patter.wiring.kafka import kafka_options, topics_of
from schemas.catalog import Product
from schemas.copy import PoolEntry
from schemas.curation import Creativity
from schemas.errors import CheckFailed, Code, ConfigError
from schemas.experiments import ExperimentRecord
from streams.broadcast.curation import Curation
from streams.kafka.dump import DumpRecord, parse_line, read_topic

Kind = TypeVar("Kind")
_product, _creativity = msgspec.json.Decoder(Product), msgspec.json.Decoder(Creativity)
_entry = msgspec.json.Decoder(PoolEntry)
FIGURES = ("orders", "revenue_minor")
"""What is counted of shoppers by intent to treat."""
UNTESTED = "no decisions were read: whether as many fell to each arm as their propensities say is not tested"
NO_RECORD = "it has no record, so no plan to judge it by: `patter experiment create` draws one up"


class Reported(Struct, frozen=True, kw_only=True):
    """One experiment: its report (None without a record), what all copy is worth against its holdout (empty where it
    holds out nobody), its rates, and what has to be said besides.
    """

    experiment: str
    report: Report | None
    copy: list[Worth]
    rates: list[ArmRates]
    notes: list[str]


def reported(settings: Settings, time_ms: int, only: str | None, kept: Path | None) -> list[Reported]:
    """Reports of every experiment that was started, and of the settings' own; or `only` of one.

    `kept` is a file of records, as `topics dump` writes them, to read instead of the broker. Raises ConfigError (usage,
    file_invalid), CheckFailed (undecodable), LackingError (broker).
    """
    names = {name: topics_of(settings)[name].name for name in ("experiments", "metrics", "decisions")}
    decoder = msgspec.json.Decoder(ExperimentRecord)
    drawn_up = [_decoded(decoder, each) for each in _read(settings, names["experiments"], kept) if each.value]
    records = {name: each for name, each in newest(drawn_up).items() if each.state != "draft"}
    own = settings.experiment.name
    chosen = [only] if only is not None else [*sorted(records), *([] if own in records else [own])]
    if only is not None and only not in records and only != own:
        raise ConfigError(Code.USAGE, "no such experiment was started", where=only, hint="patter experiment list")
    cells = Cells()
    for record in _read(settings, names["metrics"], kept):
        _put(cells, record)
    adaptive = [records[name] for name in chosen if name in records and records[name].mode == "adaptive"]
    decided = Decided(adaptive)
    for record in _read(settings, names["decisions"], kept) if adaptive else ():
        try:
            decided.put(record.value)
        except msgspec.MsgspecError as error:
            raise _undecodable(record, error) from error
    shares = {own: settings.experiment.holdout, **{name: record.holdout for name, record in records.items()}}
    return [_reported(name, records.get(name), shares[name], cells, decided, time_ms) for name in chosen]


def lambda_curves(settings: Settings, kept: Path | None) -> list[LambdaCurve]:
    """What lambda moves in the pool as it stands; empty where there is nothing to choose. Raises as `reported`."""
    names = {name: topics_of(settings)[name].name for name in ("catalog", "creativity", "copy")}
    catalogue: dict[str, Product] = {}
    for record in _read(settings, names["catalog"], kept):
        _hold(catalogue, (record.key or b"").decode("utf-8", "replace"), record, _product)
    curation = Curation()
    for record in _read(settings, names["creativity"], kept):
        if record.value:
            curation.weigh(_decoded(_creativity, record))
    pool: dict[str, PoolEntry] = {}
    for record in _read(settings, names["copy"], kept):
        _hold(pool, (record.key or b"").decode("utf-8", "replace"), record, _entry)
    generate = settings.generate
    return curves(pool.values(), catalogue, curation, usual=generate.creativity, active=generate.active)


def _hold(held: dict[str, Kind], key: str, record: DumpRecord, decoder: msgspec.json.Decoder[Kind]) -> None:
    if record.value:
        held[key] = _decoded(decoder, record)
    else:
        held.pop(key, None)


def _reported(
    name: str, record: ExperimentRecord | None, share: float, cells: Cells, decided: Decided, time_ms: int
) -> Reported:
    found, notes = None, []
    if record is None:
        notes.append(NO_RECORD)
    else:
        strata = decided.strata(name) if record.mode == "adaptive" else None
        if strata is not None and not strata:
            notes.append(UNTESTED)
        found = report(record, cells.arms(record), time_ms=time_ms, excluded=cells.left_out(), strata=strata)
    copy = [worth(figure, share, *cells.bought(name, figure)) for figure in FIGURES] if share > 0 else []
    return Reported(experiment=name, report=found, copy=copy, rates=rates(cells.lifetime(name)), notes=notes)


def _read(settings: Settings, topic: str, kept: Path | None) -> Iterator[DumpRecord]:
    if kept is None:
        yield from read_topic(kafka_options(settings, "patter-report"), topic)
        return
    opened = gzip.open if kept.suffix == ".gz" else open
    try:
        with opened(kept, "rb") as file:
            for number, line in enumerate(file, 1):
                record = parse_line(line, f"{kept}:{number}")
                if record.topic == topic:
                    yield record
    except OSError as error:
        raise ConfigError(Code.FILE_INVALID, str(error), where=str(kept), hint="patter topics dump") from error


def _decoded(decoder: msgspec.json.Decoder[Kind], record: DumpRecord) -> Kind:
    try:
        return decoder.decode(record.value or b"")
    except msgspec.MsgspecError as error:
        raise _undecodable(record, error) from error


def _put(cells: Cells, record: DumpRecord) -> None:
    try:
        cells.put(record.key, record.value)
    except msgspec.MsgspecError as error:
        raise _undecodable(record, error) from error


def _undecodable(record: DumpRecord, error: Exception) -> CheckFailed:
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return CheckFailed(Code.UNDECODABLE, f"a record cannot be read: {error}", where=place)
