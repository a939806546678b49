"""Subjects that write with `generate` of transformers: the model itself, and optimum's on ONNX Runtime."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import onnxruntime
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, GenerationConfig, StoppingCriteria, StoppingCriteriaList

from schemas.subject import Ask
from training.rivals.talk import Decode, Write, chunks, useful


class _Planned(StoppingCriteria):  # type: ignore[misc]
    """A row is done when it has as many tokens as were planned; the batch is done when all its rows are."""

    def __init__(self, start: int, lengths: Sequence[int]) -> None:
        self._start, self._lengths = start, torch.tensor(list(lengths))

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        return (input_ids.shape[1] - self._start >= self._lengths).to(input_ids.device)


def optimum_subject(folder: Path) -> tuple[Write, Decode]:
    """`ORTModelForCausalLM` on the export as optimum makes it: float32, one thread."""
    from optimum.onnxruntime import ORTModelForCausalLM

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    torch.set_num_threads(1)
    model = ORTModelForCausalLM.from_pretrained(
        folder / "onnx", provider="CPUExecutionProvider", session_options=options, local_files_only=True
    )
    return _writer(model, "cpu"), _decode(folder)


def transformers_subject(folder: Path, device: Literal["cpu", "cuda"]) -> tuple[Write, Decode]:
    """The checkpoint itself: float32 and one thread on the CPU, float16 on a GPU."""
    torch.set_num_threads(1)
    precision = torch.float16 if device == "cuda" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder / "checkpoint", dtype=precision, local_files_only=True)
    return _writer(model.to(device).eval(), device), _decode(folder)


def _writer(model: Any, device: str) -> Write:
    def write(ask: Ask, calls: list[float]) -> list[list[int]]:
        torch.manual_seed(ask.seeds[0])
        texts: list[list[int]] = []
        for places in chunks(len(ask.prompts), ask.batch):
            began = time.perf_counter()
            texts += _batch(model, device, ask, places)
            calls.append((time.perf_counter() - began) * 1000)
        return texts

    return write


def _batch(model: Any, device: str, ask: Ask, places: range) -> list[list[int]]:
    width = max(len(ask.prompts[place]) for place in places)
    # On the left, as a model that only looks back needs it.
    ids = torch.full((len(places), width), ask.pad)
    mask = torch.zeros((len(places), width), dtype=torch.long)
    for row, place in enumerate(places):
        prompt = ask.prompts[place]
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    lengths = None if ask.lengths is None else [ask.lengths[place] for place in places]
    # The end is a token too, and takes a step of its own.
    most = ask.max_new_tokens if lengths is None else max(lengths) + 1
    config = GenerationConfig(
        max_new_tokens=most,
        do_sample=ask.temperature > 0,
        eos_token_id=ask.eos if lengths is None else None,
        pad_token_id=ask.pad,
        **({"temperature": ask.temperature, "top_k": ask.top_k, "top_p": ask.top_p} if ask.temperature > 0 else {}),
    )
    criteria = StoppingCriteriaList([] if lengths is None else [_Planned(width, [length + 1 for length in lengths])])
    with torch.no_grad():
        out = model.generate(
            ids.to(device), attention_mask=mask.to(device), generation_config=config, stopping_criteria=criteria
        )
    rows = out[:, width:].tolist()
    return [useful(row, None if lengths is None else lengths[at], ask.eos) for at, row in enumerate(rows)]


def _decode(folder: Path) -> Decode:
    tokenizer = Tokenizer.from_file(str(folder / "checkpoint" / "tokenizer.json"))
    return lambda tokens: str(tokenizer.decode(list(tokens)))
