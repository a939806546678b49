"""`python -m training.conversion fit|pairs|outside`: what `patter train pconv` and `patter evaluate pairs|bandit`
start.

Arms are JSON lines of `schemas.arms.Arm`, which those verbs make of a file of the user's.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from schemas.arms import Arm
from schemas.errors import Code, ConfigError, PatterError


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code is that of every verb."""
    from inference.text.conversion import write_conversion
    from training.conversion.fit import Options
    from training.conversion.run import evaluate, outside, train_model

    asked = _parser().parse_args(arguments)
    options = Options(folds=asked.folds, seed=asked.seed)
    try:
        train = arms_of(asked.train)
        if asked.verb == "pairs":
            test = arms_of(asked.test) if asked.test is not None else None
            result: dict[str, Any] = evaluate(train, test, options, _say)
        elif asked.verb == "outside":
            result = msgspec.to_builtins(outside(train, options, _say))
        else:
            model = train_model(train, options, {"data": asked.source, "seed": asked.seed}, _say)
            write_conversion(model, asked.out)
            result = {"version": model.version, "source": model.source, "ngrams": len(model.ngrams), **model.figures}
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    asked.json.write_bytes(msgspec.json.encode(result))
    return 0


def arms_of(path: Path) -> list[Arm]:
    """The arms of a file. Raises ConfigError (file_missing; file_invalid with file:line)."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(Code.FILE_MISSING, error.strerror or "cannot be read", where=str(path)) from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(msgspec.json.decode(line, type=Arm))
        except msgspec.DecodeError as error:
            raise ConfigError(Code.FILE_INVALID, str(error), where=f"{path}:{number}") from None
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.conversion", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    fitting = verbs.add_parser("fit")
    fitting.add_argument("--out", type=Path, required=True, help="conversion.json")
    fitting.add_argument("--source", default="", help="the name of the data, for the model to tell")
    pairs = verbs.add_parser("pairs")
    pairs.add_argument("--test", type=Path)
    for verb in (fitting, pairs, verbs.add_parser("outside")):
        verb.add_argument("--train", type=Path, required=True)
        verb.add_argument("--json", type=Path, required=True, help="where the result goes")
        verb.add_argument("--folds", type=int, default=5)
        verb.add_argument("--seed", type=int, default=1)
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
