"""Reports as one HTML page that needs nothing else: text, tables, and plots of intervals as SVG."""

from collections.abc import Iterable, Sequence
from html import escape

from inference.experiment.intent import Worth
from inference.experiment.report import Comparison, Report
from inference.experiment.report_text import rendered
from patter.report.creativity import LambdaCurve
from patter.report.plot import Bar, forest, path
from patter.report.rates import ArmRates
from patter.report.run import Reported
from patter.report.text import copy_lines

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1c1c1c }
pre { background: #f6f6f4; padding: .8rem 1rem; overflow-x: auto; font-size: 13px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
svg { max-width: 100%; height: auto; font-size: 13px }
.interval { stroke: #3b6ea5; stroke-width: 2 } .inner { stroke: #3b6ea5; stroke-width: 6; opacity: .35 }
.zero { stroke: #999; stroke-dasharray: 4 3 } circle { fill: #1f3b57 } circle.now { fill: #b3541e }
.path { fill: none; stroke: #3b6ea5; stroke-width: 2 } .axis { fill: #666 }
"""
_WIDEST = 10.0
_RATES = (
    "category",
    "arm",
    "impressions",
    "clicks",
    "ctr",
    "95 % interval",
    "orders",
    "per impression",
    "95 % interval",
)


def page(found: Sequence[Reported], curves: Sequence[LambdaCurve] = ()) -> str:
    """The page."""
    bodies = "".join(map(_experiment, found)) or "<p>No experiments.</p>"
    bodies += _curves(curves) if curves else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Experiments</title><style>{_STYLE}</style></head><body><h1>Experiments</h1>{bodies}</body></html>\n"
    )


def _experiment(each: Reported) -> str:
    parts = [f"<h2>{escape(each.experiment)}</h2>"]
    parts += [f"<p>{escape(note)}</p>" for note in each.notes]
    if each.report is not None:
        parts.append(f"<pre>{escape(rendered(each.report))}</pre>")
        parts.append(_effects(each.report))
    parts += [_copy(each.copy)] if each.copy else []
    parts += [_rates(each.rates)] if each.rates else []
    return "".join(parts)


def _curves(curves: Sequence[LambdaCurve]) -> str:
    drawn = "".join(
        f"<h3>{escape(each.category or 'all categories')}, {each.keys:,} keys</h3>"
        + path(
            [(point.p_conv, point.diversity, f"{point.creativity:g}") for point in each.points],
            marked=None if each.now is None else f"{each.now:g}",
            names=("P_conv of the texts shown", "their diversity"),
        )
        for each in curves
    )
    return f"<h2>Lambda</h2><p>What each lambda would show of the pool as it stands. No clicks.</p>{drawn}"


def _copy(copy: Sequence[Worth]) -> str:
    # An interval that is wider than this says nothing, and would hide the others.
    bars = [
        Bar(each.figure, each.relative, each.low, each.high, None, f"{each.relative:+.1%} {each.decision.value}")
        for each in copy
        if each.relative is not None and each.low is not None and each.high is not None and each.high < _WIDEST
    ]
    drawn = forest(bars, zero=True, about="relative effect of all copy, by intent to treat") if bars else ""
    return f"<h3>All copy against none</h3><pre>{escape(chr(10).join(copy_lines(copy)).strip())}</pre>{drawn}"


def _effects(report: Report) -> str:
    drawn = []
    for metric in dict.fromkeys(each.metric for each in (*report.comparisons, *report.guardrails)):
        bars = list(_bars(each for each in (*report.comparisons, *report.guardrails) if each.metric == metric))
        if bars:
            about = f"effect on {metric}, against the control"
            drawn.append(f"<h3>{escape(about)}</h3>{forest(bars, zero=True, about=about)}")
    note = "<p>Line: the interval that holds at every look. Thick: the usual one, right for one look only.</p>"
    return "".join(drawn) + (note if drawn else "")


def _bars(comparisons: Iterable[Comparison]) -> Iterable[Bar]:
    for each in comparisons:
        if each.effect is None or each.low is None or each.high is None:
            continue
        inner = None if each.fixed_low is None or each.fixed_high is None else (each.fixed_low, each.fixed_high)
        word = each.decision or each.guardrail
        relative = "" if each.relative is None else f" ({each.relative:+.1%})"
        told = f"{each.effect:+.4g}{relative} {word.value if word else ''}"
        yield Bar(each.arm, each.effect, each.low, each.high, inner, told)


def _rates(rates: Sequence[ArmRates]) -> str:
    bars = [
        Bar(
            f"{each.category or 'all categories'}: {each.arm}",
            each.ctr,
            each.ctr_low,
            each.ctr_high,
            None,
            f"{each.ctr:.3%}",
        )
        for each in rates
        if each.ctr is not None and each.ctr_low is not None and each.ctr_high is not None
    ]
    head = "".join(f"<th>{name}</th>" for name in _RATES)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _row(each))}</tr>" for each in rates)
    drawn = forest(bars, zero=False, about="clicks per impression") if bars else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<h3>Rates as counted, with intervals that take impressions as independent</h3>{drawn}{table}"


def _row(each: ArmRates) -> tuple[str, ...]:
    return (
        each.category or "all",
        each.arm,
        f"{each.impressions:,}",
        f"{each.clicks:,}",
        _share(each.ctr),
        f"{_share(each.ctr_low)} to {_share(each.ctr_high)}",
        f"{each.orders:,}",
        _share(each.order_per_impression),
        f"{_share(each.order_low)} to {_share(each.order_high)}",
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3%}"
