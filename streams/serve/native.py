"""The compiled half of serve: what is done for every single event, built where there is a C compiler.

Gate, seen-set and press exist twice: in Python, which says what is right, and in `compiled/`, which does the same
several times faster. Tests hold the two to the same answers.
"""

from importlib import import_module
from typing import Any

LAYOUT = 3
"""Goes up with every change of what the compiled half is given or takes by its place."""

try:
    module: Any = import_module("streams.serve._press")
except ImportError:
    module = None


def compiled() -> bool:
    """Whether the compiled half is there, and takes what this code gives."""
    return module is not None and module.LAYOUT == LAYOUT


def press_kind() -> str:
    """`compiled` or `plain`, as logs and results call it."""
    return "compiled" if compiled() else "plain"
