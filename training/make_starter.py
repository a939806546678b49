"""Makes the bundle that comes with Patter: `python -m training.make_starter --out DIR [--seed N] [--plain DIR]`.

Under an hour on two cores. The same seed, corpus, libraries and processor give the same bundle. `--plain` is a folder
of plain text to learn English from first; without it the model learns from the corpus's lines alone.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec import structs
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from inference.bundle import Controls
from training.bundle import TOKENIZER, TRAINING, Evaluate, write_bundle
from training.lines import Line
from training.pairs import HELD_CATEGORIES, HELD_PAIRS, fingerprint, is_held_out, load_controls, load_lines, pairs
from training.plain import sentences
from training.telltales import telltales
from training.train import Course, Row, Shape, encode, new_model, plain_row, train
from training.vocabulary import PAD, build

SEED = 20261121
NAME = "starter"
VERSION = "3"
CARD = Path(__file__).parent / "MODEL_CARD.md"
# Two cores are what the machine that this was measured on has. More threads round otherwise and give another model.
THREADS = 2
LINES = Course(steps=2400, batch=64, rate=2e-3)
PLAIN = Course(steps=600, batch=64, rate=2e-3)
# More than is seen in the steps above, and no sentence longer than a text may be.
_SENTENCES, _LONGEST = 120_000, 64
_PARITY_PROMPTS = 100
# Between the seeds of epochs and everything else that is drawn.
_EPOCHS = 1_000


def learn(
    lines: Sequence[Line],
    controls: Controls,
    *,
    seed: int,
    shape: Shape,
    course: Course,
    plain: Path | None = None,
    plain_course: Course = PLAIN,
) -> tuple[LlamaForCausalLM, Tokenizer, dict[str, Any]]:
    """The trained model, its tokenizer, and what metrics.json says about the training."""
    trained = [line for line in lines if not is_held_out(line)]
    tokenizer = build([line.text for line in trained], controls)
    pad = tokenizer.token_to_id(PAD)
    model = new_model(tokenizer, shape, seed)
    losses: list[float] = []

    def report(what: str, step: int, loss: float, seconds: float) -> None:
        losses.append(loss)
        print(f"{what}: step {step}  loss {loss:.3f}  {seconds:.0f} s", file=sys.stderr, flush=True)

    learned = 0
    if plain is not None:
        rows = [plain_row(tokenizer, text) for text in sentences(plain, tokenizer, _SENTENCES, seed)]
        rows = [row for row in rows if len(row[0]) <= _LONGEST]
        learned = len(rows)
        train(model, lambda _epoch: rows, what="plain", pad=pad, seed=seed, course=plain_course, report=report)

    def epoch(number: int) -> list[Row]:
        return [encode(tokenizer, pair) for pair in pairs(lines, controls, seed + _EPOCHS + number)]

    train(model, epoch, what="lines", pad=pad, seed=seed + 1, course=course, report=report)
    about = {
        "lines": len(trained),
        "corpus": fingerprint(lines),
        "held_out": {
            "lines": len(lines) - len(trained),
            "categories": list(HELD_CATEGORIES),
            "segments_and_tones": sorted(map(list, HELD_PAIRS)),
        },
        "plain_sentences": learned,
        "plain_steps": plain_course.steps if learned else 0,
        "steps": course.steps,
        "batch": course.batch,
        "last_loss": round(losses[-1], 4) if losses else None,
    }
    return model, tokenizer, about


def make(
    folder: Path,
    *,
    seed: int,
    shape: Shape,
    course: Course,
    plain: Path | None = None,
    parity: int = _PARITY_PROMPTS,
    evaluate: Evaluate | None = None,
    checkpoint: Path | None = None,
    trained: Path | None = None,
) -> dict[str, Any]:
    """Train on the corpus, or take what was `trained` on it, and write the bundle; returns its metrics."""
    lines, controls = load_lines(), load_controls()
    if trained is None:
        model, tokenizer, about = learn(lines, controls, seed=seed, shape=shape, course=course, plain=plain)
    else:
        model, tokenizer, about = kept(trained, fingerprint(lines))
    compared = list(pairs(lines, controls, seed))[:parity]
    controls = structs.replace(controls, telltales=telltales(line for line in lines if not is_held_out(line)))
    return write_bundle(
        folder,
        model,
        tokenizer,
        controls,
        name=NAME,
        version=VERSION,
        card=CARD.read_text("utf-8"),
        parity=compared,
        seed=seed,
        training=about,
        evaluate=evaluate,
        checkpoint=checkpoint,
    )


def kept(folder: Path, corpus: str) -> tuple[LlamaForCausalLM, Tokenizer, dict[str, Any]]:
    """What `learn` answered, from the checkpoint that was kept of it. Raises ValueError where the corpus is another."""
    about = json.loads((folder / TRAINING).read_text("utf-8"))
    if about["corpus"] != corpus:
        raise ValueError(f"{folder} was trained on another corpus: {about['corpus']}, not {corpus}")
    model = LlamaForCausalLM.from_pretrained(folder).eval()
    return model, Tokenizer.from_file(str(folder / TOKENIZER)), about


def main() -> None:
    """The command line."""
    from training.evaluation import evaluate

    parser = argparse.ArgumentParser(prog="python -m training.make_starter", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--plain", type=Path, help="a folder of plain text to learn English from first")
    parser.add_argument("--keep-checkpoint", type=Path, help="where to keep the model for transformers")
    parser.add_argument("--trained", type=Path, help="a checkpoint that was kept: trains nothing, does the rest anew")
    asked = parser.parse_args()
    if asked.out.exists() and any(asked.out.iterdir()):
        parser.error(f"{asked.out} is not empty")
    torch.set_num_threads(THREADS)
    make(
        asked.out,
        seed=asked.seed,
        shape=Shape(),
        course=LINES,
        plain=asked.plain,
        evaluate=lambda folder: evaluate(folder, seed=asked.seed),
        checkpoint=asked.keep_checkpoint,
        trained=asked.trained,
    )


if __name__ == "__main__":
    main()
