"""The learning rate, lowered where the held-out reward stands still (torch's ReduceLROnPlateau)."""

from collections.abc import Callable
from typing import Any

import torch

from training.objective.config import Plateau


class PlateauPace:
    """A `training.tune.course.Pace`. `measure` answers the held-out reward of a model, the higher the better."""

    def __init__(self, settings: Plateau, measure: Callable[[Any], float]) -> None:
        self._settings, self._measure = settings, measure
        self._scheduler: torch.optim.lr_scheduler.ReduceLROnPlateau | None = None
        self.history: list[list[float]] = []
        """[steps done, reward, rate from then on] of every measure."""

    def begin(self, optimizer: torch.optim.Optimizer) -> None:
        """Take charge of the optimizer's rate."""
        self._optimizer = optimizer
        self._scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer,
            mode="max",
            factor=self._settings.factor,
            patience=self._settings.patience,
            threshold=self._settings.least,
            threshold_mode="abs",
        )

    def after(self, done: int, model: Any) -> None:
        """Measure, every so many steps."""
        if done % self._settings.every or self._scheduler is None:
            return
        found = self._measure(model)
        self._scheduler.step(found)
        self.history.append([float(done), found, float(self._optimizer.param_groups[0]["lr"])])

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state and the measures."""
        held = {} if self._scheduler is None else self._scheduler.state_dict()
        return {"scheduler": held, "history": [list(each) for each in self.history]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """What `state_dict` gave."""
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state["scheduler"])
        self.history = [list(each) for each in state["history"]]
