"""Intervals drawn as SVG, without a library: a line for the interval, a mark for the value, one row for each."""

from collections.abc import Sequence
from html import escape

from msgspec import Struct

ROW, LEFT, WIDTH, RIGHT, FOOT = 26, 260, 460, 210, 34
"""Pixels: a row, the names, the plane, the figures beside it, the axis."""


class Bar(Struct, frozen=True):
    """A row: what it is of, a value with its interval, a narrower interval within, and what is said of it."""

    name: str
    value: float
    low: float
    high: float
    inner: tuple[float, float] | None = None
    told: str = ""


def forest(bars: Sequence[Bar], *, zero: bool, about: str) -> str:
    """The rows as an SVG element. `zero` draws a line at 0, which no effect is; `about` says what is drawn."""
    ends = [end for bar in bars for end in (bar.low, bar.high, bar.value)] + ([0.0] if zero else [])
    low, high = min(ends), max(ends)
    room = (high - low) * 0.04 or 1e-6

    def across(value: float) -> float:
        return LEFT + WIDTH * (value - low + room) / (high - low + 2 * room)

    height = ROW * len(bars) + FOOT
    size = LEFT + WIDTH + RIGHT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {size} {height}" width="{size}">'
    parts = [head, f"<title>{escape(about)}</title>"]
    if zero:
        parts.append(_line(across(0), 4, across(0), height - FOOT, "zero"))
    for place, bar in enumerate(bars):
        y = ROW * place + ROW / 2
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(bar.name)}</text>')
        parts.append(_line(across(bar.low), y, across(bar.high), y, "interval"))
        if bar.inner is not None:
            parts.append(_line(across(bar.inner[0]), y, across(bar.inner[1]), y, "inner"))
        parts.append(f'<circle cx="{across(bar.value):.1f}" cy="{y:.1f}" r="4"/>')
        parts.append(f'<text x="{LEFT + WIDTH + 12}" y="{y + 4:.1f}">{escape(bar.told)}</text>')
    for end, anchor in ((low, "start"), (high, "end")):
        parts.append(
            f'<text class="axis" x="{across(end):.1f}" y="{height - 10}" text-anchor="{anchor}">{end:.4g}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def path(points: Sequence[tuple[float, float, str]], *, marked: str | None, names: tuple[str, str]) -> str:
    """Points (across, up, what each is called) joined in their order; the one that is called `marked` stands out."""
    wide, high, edge = 460, 240, 46
    spans = [(min(of), max(of)) for of in (list(each) for each in zip(*[point[:2] for point in points], strict=True))]

    def place(value: float, axis: int, size: int) -> float:
        low, top = spans[axis]
        return edge + (size - 2 * edge) * ((value - low) / (top - low) if top > low else 0.5)

    spots = [(place(x, 0, wide), high - place(y, 1, high), called) for x, y, called in points]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in spots)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {wide} {high}" width="{wide}">',
        f"<title>{escape(names[1])} over {escape(names[0])}</title>",
        f'<polyline class="path" points="{joined}"/>',
    ]
    for x, y, called in spots:
        kind = ' class="now"' if called == marked else ""
        parts.append(f'<circle{kind} cx="{x:.1f}" cy="{y:.1f}" r="{6 if kind else 3}"/>')
        parts.append(f'<text class="axis" x="{x + 8:.1f}" y="{y - 6:.1f}">{escape(called)}</text>')
    across, up = (f"{name}, {low:.4g} to {top:.4g}" for name, (low, top) in zip(names, spans, strict=True))
    parts.append(f'<text class="axis" x="{edge}" y="{high - 8}">{escape(across)}</text>')
    parts.append(f'<text class="axis" x="{edge}" y="16">{escape(up)}</text>')
    return "".join([*parts, "</svg>"])


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
