"""The training loop: seeded batches, loss on texts alone, and a state on disk from which a killed run goes on."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from msgspec import Struct
from peft import PeftModel

from training.train import Row, collate, text_loss

STATE = "state.pt"
# The loss of these models is not that of their hidden states times their head.
_BENT = ("final_logit_softcapping", "logits_scaling", "logit_scale")

Report = Callable[[int, float], None]
"""Hears of every step: how many are done, and its loss."""

Example = TypeVar("Example")
StepLoss = Callable[[Any, Sequence[Example], int], torch.Tensor]
"""(model, batch, padding) -> a scalar with a gradient."""


class Pace(Protocol):
    """Lowers the learning rate as the run goes on. What it knows is kept in the run's state."""

    def begin(self, optimizer: torch.optim.Optimizer) -> None:
        """Take charge of the optimizer's rate."""
        ...

    def after(self, done: int, model: Any) -> None:
        """Hear that so many steps are done. What is drawn here must leave torch's generator as it was."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that a run needs to go on: numbers, strings, lists and dicts."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Course(Struct, frozen=True, kw_only=True):
    """How long and how fast. The rate rises over the first twentieth of the steps and then falls to a tenth along a
    cosine, or as a pace has it.
    """

    epochs: int
    batch: int
    rate: float
    seed: int
    save_every: int = 50
    weight_decay: float = 0.01
    clip: float = 1.0

    def steps(self, rows: int) -> int:
        """All steps for so many rows."""
        return self.epochs * math.ceil(rows / self.batch)


def plain_of(model: Any) -> Any:
    """The model itself, without the wrapping of its adapters."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def bent(plain: Any) -> bool:
    """Whether the model's scores are something else than its hidden states times its head."""
    return not hasattr(plain, "model") or any(getattr(plain.config, name, None) for name in _BENT)


def step_loss(model: Any, batch: Sequence[Row], pad: int) -> torch.Tensor:
    """Mean cross entropy per token of the batch's texts."""
    plain = plain_of(model)
    ids, mask, labels = (part.to(plain.device) for part in collate(batch, pad))
    with torch.autocast(plain.device.type, torch.bfloat16, enabled=plain.device.type == "cuda"):
        if not bent(plain):
            return text_loss(plain, ids, mask, labels)
        loss: torch.Tensor = plain(input_ids=ids, attention_mask=mask, labels=labels).loss
        return loss


def run_course(
    model: Any,
    rows: Sequence[Example],
    pad: int,
    course: Course,
    folder: Path,
    report: Report,
    *,
    loss_of_step: StepLoss[Any] = step_loss,
    pace: Pace | None = None,
) -> None:
    """Train in place. What `folder` holds of an earlier run with the same arguments is gone on from.

    The order of the rows depends on seed and epoch, what is drawn inside the model on the generator's state, which is
    kept: an interrupted run ends, on the CPU, with the weights of one that was not.
    """
    learned = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.AdamW(learned.values(), lr=course.rate, weight_decay=course.weight_decay)
    if pace is not None:
        pace.begin(optimizer)
    done = _restored(folder / STATE, learned, optimizer, pace)
    steps = course.steps(len(rows))
    model.train()
    for step in range(done, steps):
        _set_rate(optimizer, course.rate, step, steps, paced=pace is not None)
        loss = loss_of_step(model, _batch(rows, step, course), pad)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned.values(), course.clip)
        optimizer.step()
        if pace is not None and step + 1 >= _warm(steps):
            pace.after(step + 1, model)
            model.train()
        if (step + 1) % course.save_every == 0 or step + 1 == steps:
            _save(folder / STATE, step + 1, learned, optimizer, pace)
        report(step + 1, float(loss.item()))
    model.eval()


def seconds_a_step(model: Any, rows: Sequence[Row], pad: int, course: Course, times: int = 2) -> float:
    """How long a step takes here, by doing the work of some without taking them. Nothing is learned or drawn by it."""
    state = torch.get_rng_state()
    model.train()
    # The first step also warms caches up.
    took = []
    for step in range(times + 1):
        began = time.monotonic()
        step_loss(model, _batch(rows, step, course), pad).backward()
        took.append(time.monotonic() - began)
        model.zero_grad(set_to_none=True)
    torch.set_rng_state(state)
    return sum(took[1:]) / times


def loss_of(model: Any, rows: Sequence[Row], pad: int, batch: int) -> float | None:
    """Mean cross entropy per token of rows that nothing is learned from; None without rows."""
    model.eval()
    if not rows:
        return None
    total, tokens = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(rows), batch):
            some = rows[start : start + batch]
            count = sum(len(ids) - prompt for ids, prompt in some)
            total += step_loss(model, some, pad).item() * count
            tokens += count
    return total / tokens


def _batch(rows: Sequence[Example], step: int, course: Course) -> list[Example]:
    epoch, place = divmod(step, math.ceil(len(rows) / course.batch))
    generator = torch.Generator().manual_seed(course.seed * 1_000_003 + epoch)
    order = torch.randperm(len(rows), generator=generator).tolist()
    return [rows[row] for row in order[place * course.batch : (place + 1) * course.batch]]


def _set_rate(optimizer: torch.optim.Optimizer, rate: float, step: int, steps: int, *, paced: bool) -> None:
    """The schedule's rate for a step. A pace has it once the rate has risen to its height."""
    if not paced or step < _warm(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * _schedule(step, steps)


def _warm(steps: int) -> int:
    return max(1, steps // 20)


def _schedule(step: int, steps: int) -> float:
    warm = _warm(steps)
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _save(path: Path, done: int, learned: dict[str, Any], optimizer: torch.optim.Optimizer, pace: Pace | None) -> None:
    """The state replaces the last one as a whole, so that a kill leaves one of the two."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "done": done,
        "learned": {name: weight.detach() for name, weight in learned.items()},
        "optimizer": optimizer.state_dict(),
        "pace": None if pace is None else pace.state_dict(),
        "generator": torch.get_rng_state(),
        "device_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _restored(path: Path, learned: dict[str, Any], optimizer: torch.optim.Optimizer, pace: Pace | None) -> int:
    """How many steps the state on disk holds; 0 without one."""
    if not path.is_file():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for name, weight in learned.items():
            weight.copy_(state["learned"][name])
    optimizer.load_state_dict(state["optimizer"])
    if pace is not None:
        pace.load_state_dict(state["pace"])
    torch.set_rng_state(state["generator"])
    if state["device_generators"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["device_generators"])
    return int(state["done"])
