"""Curves over one variable, a panel a measure and a line a group, with bands where rows have `_low` and `_high`."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 300, 220, 62, 44, 76
# Okabe and Ito's colours, which colour-blind readers tell apart; the last, black, is for the whole.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_WHOLE, _WHOLE_COLOUR = "all", "#000000"


def drawing(rows: Sequence[Mapping[str, Any]], over: str, measures: Sequence[str], group: str, title: str) -> str:
    """An SVG document. Raises ValueError for no rows."""
    if not rows:
        raise ValueError("nothing to draw")
    groups = list(dict.fromkeys(str(row[group]) for row in rows))
    width = len(measures) * (_WIDTH + _GAP) + 20
    height = _HEIGHT + _TOP + 74
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for place, measure in enumerate(measures):
        parts += _panel(rows, over, measure, group, groups, _LEFT + place * (_WIDTH + _GAP))
    for place, name in enumerate(groups):
        x = _LEFT + place * 110
        parts.append(f'<rect x="{x}" y="{height - 18}" width="12" height="4" fill="{_colour(name, place)}"/>')
        parts.append(f'<text x="{x + 18}" y="{height - 12}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(
    rows: Sequence[Mapping[str, Any]], over: str, measure: str, group: str, groups: Sequence[str], left: int
) -> list[str]:
    ends = [float(row.get(f"{measure}{end}", row[measure])) for row in rows for end in ("_low", "_high")]
    at = [float(row[over]) for row in rows]
    least, most, first, last = min(ends), max(ends), min(at), max(at)

    def x(value: float) -> float:
        return round(left + _WIDTH * (value - first) / ((last - first) or 1), 1)

    def y(value: float) -> float:
        return round(_TOP + _HEIGHT * (most - value) / ((most - least) or 1), 1)

    bottom = _TOP + _HEIGHT
    parts = [
        f'<path d="M{left} {_TOP}V{bottom}H{left + _WIDTH}" fill="none" stroke="#888"/>',
        f'<text x="{left}" y="{_TOP - 8}">{escape(measure)}</text>',
        f'<text x="{left + _WIDTH / 2}" y="{bottom + 32}" text-anchor="middle">{escape(over)}</text>',
    ]
    for value in (least, (least + most) / 2, most):
        parts.append(f'<text x="{left - 6}" y="{y(value) + 4}" text-anchor="end">{value:.3g}</text>')
    for value in (first, (first + last) / 2, last):
        parts.append(f'<text x="{x(value)}" y="{bottom + 16}" text-anchor="middle">{value:.3g}</text>')
    for place, name in enumerate(groups):
        mine = sorted((row for row in rows if str(row[group]) == name), key=lambda row: float(row[over]))
        line = " ".join(f"{x(row[over])},{y(row[measure])}" for row in mine)
        colour = _colour(name, place)
        if f"{measure}_low" in mine[0]:
            upper = [f"{x(row[over])},{y(row[f'{measure}_high'])}" for row in mine]
            lower = [f"{x(row[over])},{y(row[f'{measure}_low'])}" for row in reversed(mine)]
            parts.append(f'<polygon points="{" ".join([*upper, *lower])}" fill="{colour}" opacity="0.15"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts


def _colour(name: str, place: int) -> str:
    return _WHOLE_COLOUR if name == _WHOLE else _COLOURS[place % len(_COLOURS)]
