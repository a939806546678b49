"""`python -m training.ablation --base DIR --examples F --objective F --out DIR`: `patter evaluate copy --ablation`.

Every arm under every seed is a run of its own, whose result stands in `--out`; what stands there is not run again.
"""

import argparse
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import torch

from schemas.approved import ApprovedCopy
from schemas.errors import Code, ConfigError, PatterError
from training.ablation.arms import TRAINED
from training.ablation.ground import Ground, ground_of
from training.ablation.one import Setting, run_one
from training.ablation.outcome import Outcome
from training.ablation.table import markdown, table
from training.bundle import write_json
from training.objective.config import read_objective
from training.objective.conversion import predictor
from training.tune.folder import RATES
from training.tune.run import quiet

SPLIT_SEED = 1
"""Products are held out by this one whatever seed a run has: arms and seeds are compared on the same prompts."""


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0, or the exit code of an error."""
    asked = _parser().parse_args(arguments)
    try:
        result = ablate(asked)
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    text = markdown(result["arms"])
    (asked.out / "ablation.md").write_text(text, "utf-8")
    write_json(asked.out / "ablation.json", result)
    print(text, file=sys.stderr)
    return 0


def ablate(asked: argparse.Namespace) -> dict[str, Any]:
    """Run what is not there yet, and sum up."""
    quiet()
    torch.set_num_threads(asked.threads)
    objective, model = read_objective(asked.objective)
    if model is None:
        what = "an ablation measures predicted conversion, and the file names no `conversion`"
        raise ConfigError(Code.FILE_INVALID, what, where=f"--objective {asked.objective}", hint="docs/conversion.md")
    setting = Setting(
        base=asked.base,
        method=asked.method,
        epochs=asked.epochs,
        batch=asked.batch,
        rate=asked.rate or RATES[asked.method],
        rank=asked.rank,
        samples=asked.samples,
        objective=objective,
    )
    content = asked.examples.read_bytes()
    decoder = msgspec.json.Decoder(ApprovedCopy)
    ground = ground_of([decoder.decode(line) for line in content.splitlines()], asked.prompts, SPLIT_SEED)
    about = {**msgspec.to_builtins(setting), "prompts": asked.prompts, "examples": sha256(content).hexdigest()}
    _claim(asked.out, about)
    predict = predictor(model)
    seeds = range(1, asked.seeds + 1)
    runs: dict[str, list[list[Outcome]]] = {arm.name: [] for arm in TRAINED}
    for seed in seeds:
        for arm in TRAINED:
            runs[arm.name].append(_run(asked.out, arm.name, seed, setting, ground, predict))
    return {
        "seeds": list(seeds),
        "prompts": len(ground.held),
        "products": ground.products,
        "rows": len(ground.learned),
        "left_out": ground.left_out,
        "setting": about,
        "arms": table(runs, SPLIT_SEED),
    }


def _run(out: Path, name: str, seed: int, setting: Setting, ground: Ground, predict: Any) -> list[Outcome]:
    path = out / f"{name}-{seed}.json"
    if path.is_file():
        return msgspec.json.decode(path.read_bytes(), type=list[Outcome])
    print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
    arm = next(each for each in TRAINED if each.name == name)
    folder = out / "state" / f"{name}-{seed}"
    found = run_one(arm, seed, setting, ground, predict, folder, _report)
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(found))
    part.replace(path)
    for left in folder.glob("state.*"):
        left.unlink()
    return found


def _claim(out: Path, about: dict[str, Any]) -> None:
    """The folder is new, or that of the same ablation."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "setting.json"
    if path.is_file():
        if msgspec.json.decode(path.read_bytes()) != msgspec.to_builtins(about):
            what = "the folder holds an ablation with other options or data"
            raise ConfigError(Code.USAGE, what, where=str(out), hint="name another folder")
    elif any(out.iterdir()):
        raise ConfigError(Code.USAGE, "the folder is not empty", where=str(out), hint="name another folder")
    write_json(path, about)


def _report(done: int, steps: int) -> None:
    if done % max(1, steps // 4) == 0:
        print(f"  {done} of {steps} steps", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.ablation", description=__doc__)
    parser.add_argument("--base", required=True, help="a folder of transformers', or a name on the hub")
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument("--objective", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=60, help="held-out prompts, over all held-out products alike")
    parser.add_argument("--samples", type=int, default=4, help="texts for each")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser


if __name__ == "__main__":
    sys.exit(main())
