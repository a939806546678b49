"""The typed tasks of one run of `patter train`: what is set aside, what is learned, what is measured, what is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from inference.bundle import load_bundle
from inference.bundle.contents import TASKS
from inference.generate.text_prompt import Categories
from inference.tasks.prompts import prompt_of
from training.bundle import write_json
from training.tasks.examples import Example
from training.tasks.measure import SYNTHETIC, measured
from training.tasks.mix import Source, counted, examples_of, parted, taught_by
from training.train import Row as Ids
from training.tune.sift import Row
from training.tune.tokens import Markers, encode


class Lessons:
    """One run's. Raises ConfigError as `training.tasks.mix.taught_by` does."""

    def __init__(self, source: Source, rows: Sequence[Row], seed: int) -> None:
        self._source, self._seed = source, seed
        self.taught = taught_by(source, rows, seed)
        self._counts: dict[str, int] = {}

    def parted(self, learned: Sequence[Row], held_out: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """(to learn from, held out) with the tasks' own held-out products and categories set aside too."""
        return parted(learned, held_out, self.taught)

    def ids(
        self,
        learned: Sequence[Row],
        held_out: Sequence[Row],
        tokenizer: Any,
        markers: Markers,
        categories: Categories,
    ) -> list[Ids]:
        """The examples as token ids."""
        examples = examples_of(self._source, learned, held_out, self.taught)
        self._counts = counted(examples)
        return encoded(examples, tokenizer, markers, categories)

    def about(self) -> dict[str, Any]:
        """What metrics.json says of the mix."""
        return {
            "share": self._source.share,
            "examples": self._counts,
            "synthetic": [task for task in SYNTHETIC if task in self._counts],
            "products": len(self._source.products),
            "labelled_texts": len(self._source.texts),
        }

    def write(self, folder: Path) -> None:
        """Leave tasks.json in a bundle that is being made."""
        write_json(folder / TASKS, msgspec.to_builtins(self.taught))

    def measured(self, folder: Path) -> dict[str, Any]:
        """The figures of the bundle in `folder`, on what was held out."""
        return measured(load_bundle(folder), self._source.products, self._source.texts, seed=self._seed)


def encoded(examples: Sequence[Example], tokenizer: Any, markers: Markers, categories: Categories) -> list[Ids]:
    """Examples as token ids, as serving asks and the model is to answer."""
    return [
        encode(tokenizer, markers, prompt_of(each.record, each.wording, categories), each.target) for each in examples
    ]
