"""`python -m training.rivals`: see the package."""

import argparse
import contextlib
import json
import sys
from pathlib import Path


def main() -> None:
    """Heavy imports stand where they are needed: a subject's memory is only its own."""
    parser = argparse.ArgumentParser(prog="python -m training.rivals")
    verbs = parser.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("prepare", help="the model in every form; says what it is as JSON")
    make.add_argument("--bundle", type=Path, required=True)
    make.add_argument("--checkpoint", type=Path)
    make.add_argument("--seed", type=int, default=1)
    make.add_argument("--out", type=Path, required=True)
    half = verbs.add_parser("halve", help="the prepared model in half precision, for a GPU")
    half.add_argument("--bundle", type=Path, required=True)
    half.add_argument("--out", type=Path, required=True)
    for name in ("optimum", "transformers", "ctranslate2"):
        verb = verbs.add_parser(name, help="write what is asked for on stdin")
        verb.add_argument("folder", type=Path)
        verb.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    asked = parser.parse_args()
    if asked.verb in ("prepare", "halve"):
        # Exporters print; stdout is for the answer.
        with contextlib.redirect_stdout(sys.stderr):
            from training.rivals.prepare import halve, prepare

            made = {}
            if asked.verb == "prepare":
                made = prepare(asked.bundle, asked.checkpoint, asked.out, asked.seed)
            else:
                halve(asked.bundle, asked.out)
        print(json.dumps(made))
        return
    from training.rivals.talk import talk

    if asked.verb == "ctranslate2":
        from training.rivals.by_ctranslate2 import subject

        talk(*subject(asked.folder))
    elif asked.verb == "optimum":
        from training.rivals.by_generate import optimum_subject

        talk(*optimum_subject(asked.folder))
    else:
        from training.rivals.by_generate import transformers_subject

        talk(*transformers_subject(asked.folder, asked.device))


if __name__ == "__main__":
    main()
