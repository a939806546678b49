"""Makes the bundle that comes with Patter: `python -m training.make_starter --out DIR [--seed N]`.

About thirteen minutes on one core, eleven of them training. The same seed, libraries and processor give the same
bundle, byte for byte.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from training.bundle import write_bundle
from training.corpus import Pair, load_bank, load_controls, pairs
from training.evaluate import PROMPTS
from training.train import Course, Shape, train
from training.vocabulary import build

SEED = 20261121
NAME = "starter"
VERSION = "1"
# As many as are seen in 1600 steps of 64, so that no pair is seen twice: the bank is small, its combinations are not.
_PAIRS = 102_400
_PARITY_PROMPTS = 100


def make(
    folder: Path,
    *,
    seed: int,
    shape: Shape,
    course: Course,
    count: int = _PAIRS,
    parity: int = _PARITY_PROMPTS,
    prompts: int = PROMPTS,
) -> dict[str, Any]:
    """Train on `count` pairs and write the bundle; returns its metrics."""
    bank, controls = load_bank(), load_controls()
    tokenizer = build([*bank.openings(), *bank.others()], controls)
    learned = list(pairs(seed, count))
    losses: list[float] = []

    def report(step: int, loss: float, seconds: float) -> None:
        losses.append(loss)
        print(f"step {step}/{course.steps}  loss {loss:.3f}  {seconds:.0f} s", file=sys.stderr)

    model = train(tokenizer, learned, seed=seed, shape=shape, course=course, report=report)
    about = {
        "pairs": count,
        "sentences": len({*bank.openings(), *bank.others()}),
        "steps": course.steps,
        "batch": course.batch,
        "last_loss": round(losses[-1], 4) if losses else None,
    }
    compared: list[Pair] = list(pairs(seed + 1, parity, held_out=True))
    return write_bundle(
        folder,
        model,
        tokenizer,
        controls,
        name=NAME,
        version=VERSION,
        parity=compared,
        seed=seed,
        prompts=prompts,
        training=about,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.make_starter", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    if asked.out.exists() and any(asked.out.iterdir()):
        parser.error(f"{asked.out} is not empty")
    metrics = make(asked.out, seed=asked.seed, shape=Shape(), course=Course())
    print(metrics["held_out"], file=sys.stderr)


if __name__ == "__main__":
    main()
