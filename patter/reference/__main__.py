"""Writes every generated page into the checkout."""

import sys
from pathlib import Path

from patter.reference.pages import rendered

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write what differs and say so."""
    for name, text in rendered(ROOT).items():
        path = ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
