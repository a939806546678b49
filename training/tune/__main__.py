"""`python -m training.tune --base FOLDER_OR_HUB_NAME --examples FILE --out DIR`: what `patter train` starts.

The examples are JSON lines of `schemas.approved.ApprovedCopy`, which `patter train` makes of a file of the user's.
"""

import argparse
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from schemas.errors import PatterError

if TYPE_CHECKING:
    from training.objective.config import Objective
    from training.objective.conversion import Predict
    from training.tasks.mix import Source
    from training.tune.folder import Mixed


def main() -> int:
    """The command line; the exit code is that of every verb."""
    from training.tune.folder import RATES, Options
    from training.tune.run import tune

    asked = _parser().parse_args()
    console = Console(stderr=True, soft_wrap=True)
    try:
        objective, predict = _objective(asked.objective)
        mixed, source = _tasks(asked)
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    options = Options(
        base=asked.base,
        method=asked.method,
        epochs=asked.epochs,
        seed=asked.seed,
        batch=asked.batch,
        rate=asked.rate or RATES[asked.method],
        rank=asked.rank,
        threads=asked.threads,
        save_every=asked.save_every,
        name=asked.name,
        split=asked.split,
        least_admitted=asked.least_admitted,
        least_factual=asked.least_factual,
        objective=objective,
        tasks=mixed,
    )
    try:
        result = tune(
            options, asked.examples, asked.out, resume=asked.resume, console=console, predict=predict, source=source
        )
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"stopped; the same command with --resume goes on from {asked.out}", file=sys.stderr)
        return 130
    held = result["metrics"]["held_out"]
    share = "nothing was held out" if held["admitted"] is None else f"{held['admitted']:.0%} of {held['n']} admitted"
    console.print(f"bundle: {result['bundle']}; held-out texts: {share}", highlight=False)
    for failure in result["failures"]:
        console.print(f"failed: {failure}", highlight=False)
    return 1 if result["failures"] else 0


def _objective(path: Path | None) -> tuple["Objective | None", "Predict | None"]:
    """What a run aims at besides its texts, and what predicts conversion, where the file names it."""
    if path is None:
        return None, None
    from training.objective.config import read_objective
    from training.objective.conversion import predictor

    objective, model = read_objective(path)
    return objective, None if model is None else predictor(model)


def _tasks(asked: argparse.Namespace) -> tuple["Mixed | None", "Source | None"]:
    """The typed tasks that a run mixes in, and what their examples are made from."""
    if asked.tasks is None:
        return None, None
    from training.tasks.mix import Source
    from training.tasks.readings import read_products, read_texts
    from training.tune.folder import Mixed

    source = Source(
        share=asked.tasks, products=tuple(read_products(asked.products)), texts=tuple(read_texts(asked.intents))
    )
    texts = None if asked.intents is None else sha256(asked.intents.read_bytes()).hexdigest()
    return Mixed(share=asked.tasks, products=sha256(asked.products.read_bytes()).hexdigest(), texts=texts), source


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.tune", description=__doc__)
    parser.add_argument("--base", required=True, help="a folder of transformers', or a name on the hub")
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="an empty or new folder; the bundle is DIR/bundle")
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, help="the highest learning rate")
    parser.add_argument("--rank", type=int, default=16, help="of the adapters")
    parser.add_argument("--threads", type=int, default=_cores())
    parser.add_argument("--save-every", type=int, default=50, help="steps between two states on disk")
    parser.add_argument("--name", default="tuned", help="the bundle's name")
    parser.add_argument("--split", choices=("product", "time"), default="product", help="how texts are held out")
    parser.add_argument("--least-admitted", type=float, default=0.5, help="share of held-out texts to admit")
    parser.add_argument("--least-factual", type=float, default=0.5, help="what the accuracy on records has to be above")
    parser.add_argument("--objective", type=Path, help="a TOML file of terms and weights (docs/objectives.md)")
    parser.add_argument("--tasks", type=float, help="share of typed tasks among all rows (docs/tasks.md)")
    parser.add_argument("--products", type=Path, help="the catalogue that they are made from, JSON lines")
    parser.add_argument("--intents", type=Path, help="labelled texts, JSON lines")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    return parser


def _cores() -> int:
    """The cores that this process may run on; not every system says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
