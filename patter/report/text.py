"""Reports as a person reads them in a terminal."""

from collections.abc import Sequence

from inference.experiment.intent import Worth
from inference.experiment.report_text import rendered
from patter.report.creativity import LambdaCurve
from patter.report.rates import ArmRates
from patter.report.run import Reported

# A hundred times as much: with so few buyers nothing is known above.
_OUT_OF_SIGHT = 100.0


def written(found: Sequence[Reported]) -> str:
    """Every report, one after the other."""
    return "\n\n".join(map(_experiment, found)) or "no experiments; `patter experiment create` draws one up"


def _experiment(each: Reported) -> str:
    head = [each.experiment] if each.report is None else [rendered(each.report)]
    return "\n".join([*head, *each.notes, *copy_lines(each.copy), *_rates(each.rates)])


def copy_lines(copy: Sequence[Worth]) -> list[str]:
    """What all copy is worth against none, as a table in plain text."""
    if not copy:
        return []
    head = f"{'all copy, against none':24} {'treated':>14} {'held out':>12} {'relative':>10}  interval"
    return ["", head, *map(_worth, copy)]


def curve_lines(curves: Sequence[LambdaCurve]) -> list[str]:
    """The lambda curves as a table in plain text: a line for each category, every other lambda."""
    if not curves:
        return []
    head = f"{'lambda: diversity/P_conv':24} {'keys':>8} {'now':>5}"
    return ["", head + "".join(f"{point.creativity:>14g}" for point in curves[0].points[::2]), *map(_curve, curves)]


def _curve(each: LambdaCurve) -> str:
    now = "-" if each.now is None else f"{each.now:g}"
    points = "".join(f"{f'{point.diversity:.3f}/{point.p_conv:.3f}':>14}" for point in each.points[::2])
    return f"{each.category or 'all categories':24} {each.keys:>8,} {now:>5}{points}"


def _worth(each: Worth) -> str:
    relative = "-" if each.relative is None else f"{each.relative:+.1%}"
    interval = "-" if each.low is None or each.high is None else f"[{_far(each.low)}, {_far(each.high)}]"
    tail = "" if each.p is None else f"  p {each.p:.3g}"
    return (
        f"{each.figure:24} {each.treated:>14,} {each.held_out:>12,} {relative:>10}  {interval}{tail}  "
        f"{each.decision.value}, {each.buyers_treated:,} and {each.buyers_held_out:,} who bought"
    )


def _far(end: float) -> str:
    return f"{end:+.1%}" if end < _OUT_OF_SIGHT else "any"


def _rates(rates: Sequence[ArmRates]) -> list[str]:
    if not rates:
        return ["nothing is counted yet"]
    head = f"{'rates as counted':20} {'arm':20} {'impressions':>12} {'ctr':>8}  {'95 % interval':20} {'orders':>8}"
    return ["", f"{head} {'per impression':>15}", *map(_line, rates)]


def _line(each: ArmRates) -> str:
    return (
        f"{each.category or 'all categories':20} {each.arm:20} {each.impressions:>12,} {_share(each.ctr):>8}  "
        f"{f'[{_share(each.ctr_low)}, {_share(each.ctr_high)}]':20} {each.orders:>8,} "
        f"{_share(each.order_per_impression):>15}"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
