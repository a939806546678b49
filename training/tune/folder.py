"""A run's folder: whose it is, and what it was asked for."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.errors import Code, ConfigError
from training.evaluation.factuality import FLOORS
from training.objective.config import Objective
from training.tune.adapt import Method
from training.tune.sift import Split

# What `patter train` leaves in the folder before the run begins.
GIVEN = frozenset({"examples.jsonl", "rejected.jsonl", "products.jsonl", "intents.jsonl"})
# Starting points for models of ten million to a billion weights, and not the best for any; `--rate` says another.
RATES: dict[Method, float] = {"lora": 5e-4, "full": 5e-5}


class Mixed(Struct, frozen=True, kw_only=True):
    """The typed tasks of a run: their share of all rows, and digests of the products and labelled texts."""

    share: float
    products: str
    texts: str | None


class Options(Struct, frozen=True, kw_only=True):
    """What a run is asked for. Those of a run that is gone on from have to be the same."""

    base: str
    method: Method
    epochs: int
    seed: int
    batch: int
    rate: float
    rank: int
    threads: int
    save_every: int = 50
    name: str = "tuned"
    split: Split = "product"
    least_admitted: float = 0.5
    least_factual: float = FLOORS["text"]
    objective: Objective | None = None
    tasks: Mixed | None = None


def claim(options: Options, examples: Path, out: Path, *, resume: bool) -> dict[str, Any]:
    """What the run is asked for, where the folder is new, or that of a run that was asked for the same.

    Raises ConfigError: there are no examples, or the folder holds something else.
    """
    held = {path.name for path in out.iterdir()} - GIVEN
    if not examples.is_file():
        raise ConfigError(Code.FILE_MISSING, "no such file", where=str(examples), hint="check the path")
    asked = {**msgspec.to_builtins(options), "examples": sha256(examples.read_bytes()).hexdigest()}
    if held and not resume:
        raise ConfigError(Code.USAGE, "the folder is not empty", where=f"--out {out}", hint="name another, or --resume")
    if held and (out / "run.json").is_file():
        began = msgspec.json.decode((out / "run.json").read_bytes())
        other = sorted(name for name in asked if asked[name] != began.get(name) and not name.startswith("least_"))
        if other:
            what = f"the run began with another {', '.join(other)}"
            raise ConfigError(
                Code.USAGE, what, where=f"--resume --out {out}", hint="say the same, or name another --out"
            )
    elif held:
        raise ConfigError(Code.USAGE, "the folder holds no run", where=f"--resume --out {out}", hint="name another")
    return asked


def fresh(folder: Path) -> Path:
    """A folder's name with nothing behind it: what an export that was killed left is made again."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    return folder
