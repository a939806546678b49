"""The lambda curve as a picture: a panel for each category, diversity over predicted conversion, lambda at its ends."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot

_COLUMNS = 4
_PANEL_INCHES = (3.0, 2.6)
_MARKED = (0.0, 0.5, 1.0)


def plot(curve: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Write it; the form is that of the name's end (SVG, PNG). The same curve gives the same picture."""
    # Identifiers in an SVG are random otherwise, and its date is that of the drawing.
    # Letters as letters: as outlines they are most of the file.
    matplotlib.rcParams.update({"svg.hashsalt": "patter", "svg.fonttype": "none"})
    columns = min(_COLUMNS, len(curve))
    rows = -(-len(curve) // columns)
    figure, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(_PANEL_INCHES[0] * columns, _PANEL_INCHES[1] * rows),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat[len(curve) :]:
        axis.set_axis_off()
    for axis, (name, points) in zip(axes.flat, curve.items(), strict=False):
        x, y = ([point[part]["value"] for point in points] for part in ("p_conv", "diversity"))
        axis.plot(x, y, marker="o", markersize=3, linewidth=1)
        for point, across, up in zip(points, x, y, strict=True):
            if point["lambda"] in _MARKED:
                axis.annotate(f"λ {point['lambda']:g}", (across, up), textcoords="offset points", xytext=(4, 4), size=7)
        axis.set_title(f"{name} ({points[0]['keys']} keys)", size=8)
        axis.tick_params(labelsize=7)
        axis.margins(0.15)
    figure.supxlabel("predicted conversion (better or worse than usual; no click rate)", size=8)
    figure.supylabel("diversity of the shown texts (equation 1)", size=8)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
