"""`patter evaluate srm`: whether as many units fell to each arm of an experiment as chance says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from patter.cli.options import Json

_SHOWN = 20


def srm(
    counts: Annotated[
        Path, typer.Option("--counts", help="Units of each arm: CSV or JSON lines of experiment, arm, n; .gz allowed.")
    ],
    alpha: Annotated[float, typer.Option("--alpha", min=0.0, max=1.0, help="An alarm's false rate.")] = 0.001,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN; fields: experiment, arm, n, expected_share, source."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="A column of which each experiment has one value: tell them apart.")
    ] = None,
    json: Json = None,
) -> None:
    """Sample ratio mismatch: where arms have other counts than their shares let expect. Equal shares if none is given.

    Exit 0 whether or not the alarm fires: the result says which experiments to look at.
    """
    from patter.files.counts import count_columns, read_counts
    from patter.result import envelope, write_result

    started = datetime.now(UTC)
    rows = read_counts(counts, count_columns(mapping or (), by))
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.experiment, []).append(row)
    found = [_tested(counts, own, alpha) for own in grouped.values()]
    told: dict[str, Any] = {
        "tests": len(found),
        "fired": sum(each["fired"] for each in found),
        "alpha": alpha,
        "groups": _groups(found) if by is not None else [],
        "results": found,
    }
    write_result(envelope("evaluate.srm", "evaluate srm", None, started, [], None) | told, json)
    if json is None:
        typer.echo(_srm_text(told))


def _tested(path: Path, rows: Sequence[Any], alpha: float) -> dict[str, Any]:
    """One experiment's test, as the result has it."""
    from inference.experiment.srm import Stratum, caught_error, mismatch
    from patter.files.counts import shares
    from patter.files.faults import invalid

    arms = list(dict.fromkeys(row.arm for row in rows))
    strata = []
    for source in dict.fromkeys(row.source for row in rows):
        own = {row.arm: row for row in rows if row.source == source}
        if list(own) and len(own) < sum(row.source == source for row in rows):
            raise invalid("an arm stands twice", path, rows[0].line, "arm", "one row for each arm (and source)")
        if len(own) < len(arms):
            missing = ", ".join(arm for arm in arms if arm not in own)
            raise invalid(f"{missing} is missing of {source!r}", path, rows[0].line, "arm", "a row with n 0")
        ordered = [own[arm] for arm in arms]
        strata.append(Stratum(source, shares(path, ordered), tuple(row.n for row in ordered)))
    found = mismatch(arms, strata, alpha)
    least = min(min(stratum.propensities) for stratum in strata)
    return {
        "experiment": rows[0].experiment,
        "p": found.p,
        "fired": found.fired,
        "n": found.n,
        "arms": len(arms),
        "statistic": found.statistic if found.p or not found.fired else None,
        "freedom": found.freedom,
        "caught_error": caught_error(found.n, least, len(arms), alpha),
        "by": rows[0].by,
        "sources": found.sources if len(found.sources) > 1 else {},
        "cells": [
            {
                "source": cell.source,
                "arm": cell.arm,
                "n": cell.observed,
                "expected": cell.expected,
                "distance": cell.distance,
            }
            for cell in found.cells
        ],
    }


def _groups(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    from inference.decide.intervals import wilson

    groups = []
    for value in sorted({each["by"] for each in found}):
        own = [each["fired"] for each in found if each["by"] == value]
        low, high = wilson(sum(own), len(own))
        share = sum(own) / len(own)
        groups.append(
            {"by": value, "tests": len(own), "fired": sum(own), "share": {"value": share, "low": low, "high": high}}
        )
    return groups


def _srm_text(told: dict[str, Any]) -> str:
    lines = [f"{told['fired']} of {told['tests']} experiments fired at alpha {told['alpha']:g}"]
    for each in told["groups"]:
        share = each["share"]
        interval = f"{share['value']:.2%} [{share['low']:.2%}, {share['high']:.2%}]"
        lines.append(f"  {each['by'] or '(empty)'}: {each['fired']} of {each['tests']}, {interval}")
    worst = sorted((each for each in told["results"] if each["fired"]), key=lambda each: each["p"])
    for each in worst[:_SHOWN]:
        caught = (
            "" if each["caught_error"] is None else f", n {each['n']:,} shows a split {each['caught_error']:.1%} off"
        )
        lines.append(f"{each['experiment']:32} p {each['p']:.3g}{caught}")
    if len(worst) > _SHOWN:
        lines.append(f"and {len(worst) - _SHOWN} more; --json has all")
    return "\n".join(lines)
