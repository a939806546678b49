"""Builds serve's compiled press with the machine's C compiler, where there is one.

Hatchling calls this for wheels and for editable installs. Without a compiler, or without Python's headers, the press in
Python does the same work: nothing fails, serve is slower. PATTER_PLAIN=1 leaves the compiled one out.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = "streams/serve/compiled"


class BuildPress(BuildHookInterface[Any]):
    """Puts `_press` beside press.py and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before anything is built."""
        root = Path(self.root)
        target = root / f"streams/serve/_press{sysconfig.get_config_var('EXT_SUFFIX')}"
        target.unlink(missing_ok=True)
        if os.environ.get("PATTER_PLAIN") == "1" or not build(root / SOURCES / "module.c", target):
            return
        build_data["artifacts"].append(str(target.relative_to(root)))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def build(source: Path, target: Path) -> bool:
    """Compile, and say whether that was possible."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    link = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    # -DNDEBUG: without it every macro of Python's headers checks its arguments. -Wno-deprecated-declarations: the field
    # in which a bytes object remembers its hash is to become private.
    flags = ["-O3", "-DNDEBUG", "-fPIC", "-Wno-deprecated-declarations", "-I", sysconfig.get_path("include")]
    # Under another name first, so that nobody loads half of it.
    fresh = target.with_suffix(".new")
    try:
        done = subprocess.run([*compiler, *flags, *link, str(source), "-o", str(fresh)], capture_output=True, text=True)
    except OSError as error:
        print(f"no compiled press: {error}", file=sys.stderr)
        return False
    if done.returncode != 0:
        print(f"no compiled press: {done.stderr.strip()[:500]}", file=sys.stderr)
        return False
    fresh.replace(target)
    return True
