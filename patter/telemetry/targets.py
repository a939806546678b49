"""Tells Prometheus where a role listens: one file a role for its file-based service discovery.

Under `patter up` ports are free ones and change with every start. A role that is asked to stop should take its file
along (`withdraw`); one that dies leaves it, so that Prometheus sees it down until it is back.
"""

import json
import os
from pathlib import Path

FOLDER = "prometheus"
"""Where the files are, within the data folder."""

# Addresses to listen on, and not to ask at. Whoever reads these files is on this machine.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


def announce(data_dir: Path, member: str, host: str, port: int) -> Path:
    """Write, or replace, the file of a member that listens on `host` and `port`; answers its path.

    `instance` is the member's name, not its address, so that its series go on after a restart. Raises OSError.
    """
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{member}.json"
    asked = _EVERYWHERE.get(host, host)
    target = f"[{asked}]:{port}" if ":" in asked else f"{asked}:{port}"
    # Prometheus reads whatever matches *.json; a draft must not.
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps([{"targets": [target], "labels": {"instance": member}}]))
    draft.replace(place)
    return place


def withdraw(place: Path) -> None:
    """The member is not to be asked any more."""
    place.unlink(missing_ok=True)
