"""`python -m training.tasks BUNDLE --catalog F [--intents F] [--seed N] [--count N] [--json F]`: every task's score."""

import argparse
import sys
from pathlib import Path

import msgspec

from inference.bundle import load_bundle
from inference.tasks.taught import taught_of
from schemas.errors import PatterError
from training.tasks.card import lines
from training.tasks.measure import COUNT, measured
from training.tasks.readings import read_products, read_texts


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code is 1 where a task is not above what needs no model."""
    parser = argparse.ArgumentParser(prog="python -m training.tasks", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--catalog", type=Path, required=True, help="products, JSON lines")
    parser.add_argument("--intents", type=Path, help="labelled texts, JSON lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=COUNT, help="examples of each task and split")
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args(arguments)
    try:
        bundle = load_bundle(asked.bundle)
        taught_of(bundle.taught, str(asked.bundle))
        found = measured(
            bundle,
            read_products(asked.catalog),
            read_texts(asked.intents),
            seed=asked.seed,
            count=asked.count,
            report=lambda what: print(what, file=sys.stderr, flush=True),
        )
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    print("\n".join(lines(found)), file=sys.stderr)
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
