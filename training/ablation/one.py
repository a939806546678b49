"""One arm under one seed: tuned as `patter train` tunes, drawn from and judged on held-out products. No bundle."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import Struct

from training.ablation.arms import Arm, objective_of, prompted
from training.ablation.ground import Ground
from training.ablation.outcome import Outcome, outcome
from training.objective.aim import Aim
from training.objective.config import Objective
from training.objective.conversion import Predict
from training.objective.gates import Gates
from training.objective.sampling import Drawer
from training.objective.scored import Scorer, score
from training.tune.adapt import Method, learning, load_base, plain_model
from training.tune.course import Course, run_course
from training.tune.product import SAMPLER, encoded, lengths_of


class Setting(Struct, frozen=True, kw_only=True):
    """What every arm and seed has in common. `rate` is the highest learning rate, `samples` texts a held-out prompt."""

    base: str
    method: Method
    epochs: int
    batch: int
    rate: float
    rank: int
    samples: int
    objective: Objective


def run_one(
    arm: Arm,
    seed: int,
    setting: Setting,
    ground: Ground,
    predict: Predict | None,
    folder: Path,
    report: Callable[[int, int], None],
) -> list[Outcome]:
    """The outcomes of the held-out prompts, in their order. `folder` is for the run's state; `report` hears of steps.

    The texts to be measured are drawn with the same seeds in every arm.
    """
    model, tokenizer, slots, markers = load_base(setting.base)
    backend = tokenizer.backend_tokenizer
    rows = [row for row, _ in ground.learned]
    held = [row for row, _ in ground.held]
    ids, held_ids = (
        encoded(
            [msgspec.structs.replace(row, request=prompted(arm, row.request, reference)) for row, reference in part],
            backend,
            markers,
            ground.controls,
        )
        for part in (ground.learned, ground.held)
    )
    drawer = Drawer(
        backend, slots, markers, SAMPLER, lengths_of([*ids, *held_ids], model.config.max_position_embeddings)[1]
    )
    tuned: Any = model
    if arm.learned:
        aim = Aim(
            objective_of(arm, setting.objective),
            predict,
            (rows, ids),
            (held, held_ids),
            tokenizer=tokenizer,
            drawer=drawer,
            kinds=ground.controls.categories,
            eos=markers.eos,
            seed=seed,
        )
        course = Course(epochs=setting.epochs, batch=setting.batch, rate=setting.rate, seed=seed, save_every=10**9)
        adapted = learning(model, slots, setting.method, setting.rank, seed)
        adapted.to("cuda" if torch.cuda.is_available() else "cpu")
        steps = course.steps(len(ids))
        run_course(
            adapted,
            aim.rows,
            markers.pad,
            course,
            folder,
            lambda done, _loss: report(done, steps),
            loss_of_step=aim.loss_of_step,
            pace=aim.pace,
        )
        tuned = aim.preferred(
            plain_model(adapted), folder, method=setting.method, rank=setting.rank, report=lambda _done, _all: None
        )
    scorer = Scorer(drawer, Gates([*rows, *held], ground.controls.categories), setting.objective.reward, predict)
    return [outcome(found) for found in score(scorer, tuned, held, held_ids, setting.samples, seed=0)]
