"""Texts drawn from a model that is being trained, by transformers' generate, under the masks of serving.

No text holds a marker, a digit or a fact that its product lacks, nor a fact twice, and it ends only behind the end of a
sentence that names the product: what the engine never lets a model say need not be learned.
"""

from collections.abc import Sequence
from typing import Any

import torch
from msgspec import Struct
from transformers import LogitsProcessorList

from inference.bundle import Sampler
from inference.generate.channels import HEADLINES, NAMED_ELSEWHERE
from inference.generate.slots import GRAMMAR, REQUIRED, offered
from schemas.ports import TextRequest
from training.tune.tokens import Markers, silent_of

_STOPS = (".", "!", "?")


class Said(Struct, frozen=True):
    """One drawn text, its tokens without the end, and whether the model came to an end by itself."""

    text: str
    tokens: tuple[int, ...]
    finished: bool


class Drawer:
    """Draws texts. The same weights, prompt and seed give the same texts; torch's generators are left as they were."""

    def __init__(
        self, tokenizer: Any, slots: dict[str, int], markers: Markers, sampler: Sampler, most_tokens: int
    ) -> None:
        self._tokenizer, self._slots, self._markers = tokenizer, slots, markers
        self._sampler, self._most = sampler, most_tokens
        size = tokenizer.get_vocab_size(with_added_tokens=True)
        self._silent = frozenset(silent_of(tokenizer, slots))
        stops = [(tokenizer.id_to_token(number) or "").endswith(_STOPS) for number in range(size)]
        self._stops = torch.tensor(stops)

    def draw(self, model: Any, prompt: Sequence[int], request: TextRequest, count: int, seed: int) -> list[Said]:
        """`count` texts for one prompt, by temperature, top-k and top-p of the sampler's opening."""
        was = model.training
        model.eval()
        fed = torch.tensor([list(prompt)], device=model.device)
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            told = model.generate(
                input_ids=fed,
                attention_mask=torch.ones_like(fed),
                do_sample=True,
                temperature=self._sampler.temperature,
                top_p=self._sampler.top_p,
                top_k=self._sampler.top_k,
                num_return_sequences=count,
                max_new_tokens=self._most,
                eos_token_id=self._markers.eos,
                pad_token_id=self._markers.pad,
                logits_processor=LogitsProcessorList([self._bars(request, len(prompt), model.device)]),
            )
        model.train(was)
        return [self._said(row) for row in told[:, len(prompt) :].tolist()]

    def _said(self, row: list[int]) -> Said:
        finished = self._markers.eos in row
        tokens = row[: row.index(self._markers.eos)] if finished else row
        return Said(self._tokenizer.decode(tokens, skip_special_tokens=True).strip(), tuple(tokens), finished)

    def _bars(self, request: TextRequest, begin: int, device: Any) -> "_Bars":
        facts = {slot: number for slot, number in self._slots.items() if slot not in GRAMMAR}
        allowed = offered(request.facts, request.max_chars)
        lacking = {number for slot, number in facts.items() if slot not in allowed}
        barred = torch.ones(len(self._stops), dtype=torch.bool)
        may = [number for number in range(len(barred)) if number not in self._silent and number not in lacking]
        barred[may] = False
        return _Bars(
            barred=barred.to(device),
            facts=sorted(facts.values()),
            stops=None if request.channel in HEADLINES else self._stops.to(device),
            needed=None if request.channel in NAMED_ELSEWHERE else self._slots[REQUIRED],
            eos=self._markers.eos,
            begin=begin,
        )


class _Bars:
    """A processor of scores as generate calls it: minus infinity where a text may not go on with a token."""

    def __init__(
        self,
        *,
        barred: torch.Tensor,
        facts: Sequence[int],
        stops: torch.Tensor | None,
        needed: int | None,
        eos: int,
        begin: int,
    ) -> None:
        self._barred, self._facts, self._stops = barred, facts, stops
        self._needed, self._eos, self._begin = needed, eos, begin

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        said = input_ids[:, self._begin :]
        # Some models have more rows of scores than there are tokens.
        barred = torch.ones_like(scores, dtype=torch.bool)
        barred[:, : len(self._barred)] = self._barred
        for fact in self._facts:
            barred[:, fact] |= (said == fact).any(dim=1)
        barred[:, self._eos] = ~self._may_end(said)
        return scores.masked_fill(barred, -torch.inf)

    def _may_end(self, said: torch.Tensor) -> torch.Tensor:
        if said.shape[1] == 0:
            return torch.zeros(len(said), dtype=torch.bool, device=said.device)
        may = torch.ones(len(said), dtype=torch.bool, device=said.device)
        if self._stops is not None:
            # A text that has ended is padded on; what stands behind it is not read.
            may &= self._stops[said[:, -1]]
        if self._needed is not None:
            may &= (said == self._needed).any(dim=1)
        return may
