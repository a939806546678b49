"""`python -m training.evaluation BUNDLE [--catalog F] [--seed N] [--prompts N] [--check-only] [--json F]`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from schemas.catalog import Product
from schemas.errors import Code, ConfigError, PatterError
from training.evaluation import PROMPTS, evaluate

SEED = 20261121


def products(path: Path) -> Iterator[Product]:
    """The products of a file of records as `patter.catalog.v1` has them, one a line.

    Raises ConfigError (file_missing; file_invalid with file:line).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(Code.FILE_MISSING, error.strerror or "cannot be read", where=str(path)) from None
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Product)
        except msgspec.DecodeError as error:
            hint = "one product of patter.catalog.v1 a line; `patter evaluate copy --catalog` reads other files too"
            raise ConfigError(Code.FILE_INVALID, str(error), where=f"{path}:{number}", hint=hint) from None


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code is 1 where the gate does not hold."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--catalog", type=Path, action="append", default=[], help="products, JSON lines")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--prompts", type=int, default=PROMPTS, help="of each slice")
    parser.add_argument("--check-only", action="store_true", help="leave the bundle as it is")
    parser.add_argument("--json", type=Path, help="where the evaluation goes")
    asked = parser.parse_args(arguments)
    if asked.prompts < 1:
        parser.error("--prompts is at least 1")
    try:
        catalogue = [product for path in asked.catalog for product in products(path)]
        metrics = evaluate(
            asked.bundle,
            seed=asked.seed,
            prompts=asked.prompts,
            catalogue=catalogue,
            write=not asked.check_only,
            report=_report,
        )
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    from training.evaluation.card import table

    evaluation = metrics["evaluation"]
    print(table(evaluation), file=sys.stderr)
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(evaluation), indent=2) + b"\n")
    for failure in evaluation["failures"]:
        print(f"does not hold: {failure}", file=sys.stderr)
    return 1 if evaluation["failures"] else 0


def _report(done: int, of: int) -> None:
    print(f"{done} of {of} texts", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
