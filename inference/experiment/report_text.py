"""A report as a person reads it in a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime

from inference.experiment.report import ArmFigure, Comparison, Report

_ENDINGS = {
    "goes_on": "goes on",
    "srm": "stop: the counts of the arms are not those of chance, so no figure here can be trusted",
    "harm": "stop: a guardrail is harmed",
    "decided": "stop: every variant is decided",
    "full": "stop: the planned number of shoppers is reached",
}


def rendered(report: Report) -> str:
    """The report as plain text, 130 columns at most for names of usual length."""
    when = datetime.fromtimestamp(report.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    mode = " (A/A: whatever is found here is a false alarm)" if report.mode == "aa" else ""
    lines = [
        f"{report.experiment} v{report.version}, {report.state}, {when}{mode}",
        f"{report.n:,} shoppers of {report.planned:,} planned; alpha {report.alpha:g} for each variant, at every look",
        _srm(report),
        "",
        f"{'arm':20} {'metric':22} {'shoppers':>10} {'value':>10}  interval",
        *map(_arm, report.arms),
        "",
        f"{'against the control':20} {'metric':22} {'effect':>10} {'relative':>10}  interval",
        *map(_compared, (*report.comparisons, *report.guardrails)),
        *_saved((*report.comparisons, *report.guardrails)),
        "",
        _ENDINGS[report.ending.value],
    ]
    if report.excluded:
        lines.append("left out: " + ", ".join(f"{n:,} {why}" for why, n in sorted(report.excluded.items())))
    return "\n".join(lines)


def _srm(report: Report) -> str:
    srm = report.srm
    if not srm.fired:
        return f"counts of the arms: p = {srm.p:.3g} over {srm.n:,}, as chance has it"
    worst = max(srm.cells, key=lambda cell: abs(cell.distance))
    return (
        f"counts of the arms: p = {srm.p:.3g}, below {srm.alpha:g}; farthest off: {worst.arm} of "
        f"{worst.source or 'all'}, {worst.observed:,} where {worst.expected:,.0f} were due"
    )


def _arm(each: ArmFigure) -> str:
    value = "-" if each.value is None else f"{each.value:.5g}"
    return f"{each.arm:20} {each.metric:22} {each.n:>10,} {value:>10}  {_interval(each.low, each.high, '.4g')}".rstrip()


def _compared(each: Comparison) -> str:
    effect = "-" if each.effect is None else f"{each.effect:+.5g}"
    relative = "-" if each.relative is None else f"{each.relative:+.1%}"
    word = each.decision or each.guardrail
    tail = "" if each.p is None else f"  p {each.p:.3g}"
    return (
        f"{each.arm:20} {each.metric:22} {effect:>10} {relative:>10}  {_interval(each.low, each.high, '+.4g')}"
        f"{tail}  {word.value if word else '-'}"
    )


def _saved(comparisons: Sequence[Comparison]) -> list[str]:
    told = [each for each in comparisons if each.saved is not None]
    lines = (
        ["", "variance saved by what was known of the shoppers before, and the interval without it:"] if told else []
    )
    for each in told:
        effect = "-" if each.plain_effect is None else f"{each.plain_effect:+.5g}"
        lines.append(
            f"{each.arm:20} {each.metric:22} {each.saved:>10.1%} {effect:>10}  "
            f"{_interval(each.plain_low, each.plain_high, '+.4g')}"
        )
    return lines


def _interval(low: float | None, high: float | None, how: str) -> str:
    return "-" if low is None or high is None else f"[{low:{how}}, {high:{how}}]"
