"""An objective at work in one run: marked rows and their loss, the pace, the preference stage, the figures."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import torch
from transformers import PreTrainedModel

from schemas.errors import Code, ConfigError, LackingError
from training.objective.config import Objective
from training.objective.conversion import Predict
from training.objective.gain import gain, spread
from training.objective.gates import Gates
from training.objective.loss import loss_for
from training.objective.marked import Marked, marked
from training.objective.plateau import PlateauPace
from training.objective.preference import preferred, read_pairs, write_pairs
from training.objective.sampling import Drawer
from training.objective.scored import Scored, Scorer, mean_reward, score, summary
from training.train import Row as Ids
from training.tune.adapt import Method
from training.tune.course import StepLoss, step_loss
from training.tune.sift import Row

PAIRS = "preferences.jsonl"


class Aim:
    """One run's. `learned` and `held` are rows with their ids. Raises ConfigError where a term lacks what it
    needs, LackingError where trl is not installed.
    """

    def __init__(
        self,
        objective: Objective,
        predict: Predict | None,
        learned: tuple[Sequence[Row], Sequence[Ids]],
        held: tuple[Sequence[Row], Sequence[Ids]],
        *,
        tokenizer: Any,
        drawer: Drawer,
        kinds: Mapping[str, tuple[str, ...]],
        eos: int,
        seed: int,
    ) -> None:
        self._objective, self._learned, self._held, self._eos, self._seed = objective, learned, held, eos, seed
        backend = tokenizer.backend_tokenizer
        self._tokenizer = tokenizer
        self._marked = marked(*learned, backend, objective.loss, predict) if objective.loss.on else None
        if objective.plateau.every and not held[0]:
            what = "plateau measures on held-out products, and no product could be held out"
            raise ConfigError(Code.FILE_INVALID, what, where="--objective", hint="give more products, or every = 0")
        if objective.preference.samples and find_spec("trl") is None:
            what = "preference optimisation needs trl"
            raise LackingError(Code.DEPENDENCY_MISSING, what, where="--objective", hint="make setup-dev")
        # What is not rewarded needs no model of conversion to be read.
        weighed = predict if objective.reward.conversion else None
        self._scorer = Scorer(drawer, Gates([*learned[0], *held[0]], kinds), objective.reward, weighed)
        self.pace = PlateauPace(objective.plateau, self._measure) if objective.plateau.every else None
        self._figures: dict[str, Any] = {}
        self._base: list[Scored] = []

    @property
    def rows(self) -> Sequence[Ids] | Sequence[Marked]:
        """What the course learns from."""
        return self._learned[1] if self._marked is None else self._marked

    @property
    def loss_of_step(self) -> StepLoss[Any]:
        """The loss of `rows`: with every term off it is that of plain tuning itself."""
        return step_loss if self._marked is None else loss_for(self._objective.loss)

    def begin(self, model: Any) -> None:
        """Measure the base, before anything is learned."""
        self._base = self._compared(model)

    def end(self, model: Any) -> None:
        """Measure what has become of it, on the same prompts."""
        if self._base:
            found = self._compared(model)
            self._figures["gain"] = gain(self._base, found, self._seed)

    def preferred(
        self, model: PreTrainedModel, out: Path, *, method: Method, rank: int, report: Callable[[int, int], None]
    ) -> PreTrainedModel:
        """The model after preference optimisation, or as it is where that is off or no prompt has a pair.

        The pairs stand in `out`; a run that is gone on from takes them from there.
        """
        settings, rows, ids = self._objective.preference, *self._learned
        if not settings.samples:
            return model
        model.to("cuda" if torch.cuda.is_available() else "cpu")
        self._figures["tuned"] = self._measured(model)
        path = out / PAIRS
        if not path.is_file():
            places = _spread(len(rows), settings.prompts, self._seed)
            found = score(
                self._scorer,
                model,
                [rows[place] for place in places],
                [ids[place] for place in places],
                settings.samples,
                self._seed,
                lambda done: report(done, len(places)),
            )
            write_pairs(path, preferred(found, self._eos, settings.least_gap))
        pairs = read_pairs(path)
        self._figures["pairs"] = {
            "n": len(pairs),
            "prompts": min(settings.prompts, len(rows)),
            "worse_failed_a_gate": sum(each.rejected_reward is None for each in pairs),
        }
        if pairs:
            # trl takes seconds to import, and most runs have no use for it.
            from training.objective.dpo import prefer

            model, self._figures["preference"] = prefer(
                model,
                self._tokenizer,
                pairs,
                settings,
                method=method,
                rank=rank,
                seed=self._seed,
                scratch=out / "state",
            )
            self._figures["preferred"] = self._measured(model)
        return model

    def about(self) -> dict[str, Any]:
        """What was asked for and what came of it, as metrics.json holds it."""
        marks = self._marked or []
        return {
            **msgspec.to_builtins(self._objective),
            "marked": {
                "examples": len(marks),
                "unlikely_tokens": sum(len(row.unlikely) for row in marks),
                "call_tokens": sum(len(row.calls) for row in marks),
            },
            "measures": [] if self.pace is None else self.pace.history,
            "held_out": self._figures,
        }

    def _compared(self, model: Any) -> list[Scored]:
        rows, ids = self._held
        asked = self._objective.measure
        places = spread(rows, asked.prompts, self._seed)
        chosen = [rows[place] for place in places], [ids[place] for place in places]
        return score(self._scorer, model, *chosen, asked.samples, self._seed)

    def _measured(self, model: Any) -> dict[str, Any] | None:
        rows, ids = self._held
        if not rows:
            return None
        plateau = self._objective.plateau
        some = slice(plateau.prompts)
        return summary(score(self._scorer, model, rows[some], ids[some], plateau.samples, self._seed))

    def _measure(self, model: Any) -> float:
        rows, ids = self._held
        plateau = self._objective.plateau
        some = slice(plateau.prompts)
        return mean_reward(score(self._scorer, model, rows[some], ids[some], plateau.samples, self._seed))


def _spread(count: int, most: int, seed: int) -> list[int]:
    """Up to `most` of so many places, drawn, in order."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return sorted(order[:most])
