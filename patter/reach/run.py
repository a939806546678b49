"""Reach from the broker, or from a file of what was kept."""

from pathlib import Path

import msgspec

from features.aggregates.records import Gathering
from patter.reach.found import ReachFound, codes_of, named, reach_found
from patter.replay.sources import records_of
from patter.settings import Settings
from patter.wiring.kafka import topics_of
from schemas.errors import CheckFailed, Code
from schemas.token import code_of


def reached(settings: Settings, most: int, kept: Path | None) -> ReachFound:
    """What `patter.sketches.v1` knows, with the `most` products of each kind.

    `kept` is a file of records, as `topics dump` writes them, to read instead of the broker's; products have their ids
    where the catalogue stands in it, too. Raises ConfigError (file_missing, file_invalid), CheckFailed (undecodable),
    LackingError (broker).
    """
    gatherings: dict[str, Gathering] = {}
    for record in records_of(settings, "sketches", kept):
        source, _, rest = (record.key or b"").decode("utf-8", "replace").partition("|")
        if Gathering.is_of(rest):
            try:
                gatherings.setdefault(source, Gathering(source)).put(rest, record.value)
            except msgspec.MsgspecError as error:
                raise _undecodable(f"{record.topic}/{record.partition}/{record.offset}", error) from error
    try:
        written = [gatherings[source].finish() for source in sorted(gatherings)]
        found = reach_found([each for each in written if each is not None], most)
    except ValueError as error:
        raise _undecodable(topics_of(settings)["sketches"].name, error) from error
    return named(found, _ids(settings, codes_of(found), kept))


def _ids(settings: Settings, codes: set[str], kept: Path | None) -> dict[str, list[str]]:
    """The catalogue's ids by their codes in hex: of so many products one or the other two share theirs."""
    found: dict[str, dict[str, None]] = {}
    for record in records_of(settings, "catalog", kept) if codes else ():
        product = (record.key or b"").decode("utf-8", "replace")
        code = f"{code_of(product):08x}"
        if code in codes:
            # Whatever was once a product has sold: one that was removed keeps its name.
            found.setdefault(code, {})[product] = None
    return {code: sorted(ids) for code, ids in found.items()}


def _undecodable(where: str, error: Exception) -> CheckFailed:
    return CheckFailed(Code.UNDECODABLE, f"a sketch cannot be read: {error}", where=where)
