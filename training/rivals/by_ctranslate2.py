"""CTranslate2 with 8-bit weights: the fastest other engine for a CPU."""

import time
from pathlib import Path
from typing import Any

import ctranslate2
from tokenizers import Tokenizer

from schemas.subject import Ask
from training.rivals.talk import Decode, Write, useful


def convert(checkpoint: Path, folder: Path) -> None:
    """Write the model in CTranslate2's own form."""
    ctranslate2.converters.TransformersConverter(str(checkpoint)).convert(str(folder), quantization="int8", force=True)


def subject(folder: Path) -> tuple[Write, Decode]:
    """`Generator.generate_batch`, one thread. It takes all prompts in one call and sees to the batches itself."""
    generator = ctranslate2.Generator(str(folder / "ct2"), device="cpu", inter_threads=1, intra_threads=1)
    tokenizer = Tokenizer.from_file(str(folder / "checkpoint" / "tokenizer.json"))

    def write(ask: Ask, calls: list[float]) -> list[list[int]]:
        ctranslate2.set_random_seed(ask.seeds[0] % 2**32)
        prompts = [[tokenizer.id_to_token(token) for token in prompt] for prompt in ask.prompts]
        groups = [[place] for place in range(len(prompts))] if ask.batch == 1 else [list(range(len(prompts)))]
        texts: list[list[int]] = []
        for places in groups:
            began = time.perf_counter()
            found = generator.generate_batch([prompts[place] for place in places], **_options(ask, places))
            calls.append((time.perf_counter() - began) * 1000)
            lengths = [None if ask.lengths is None else ask.lengths[place] for place in places]
            texts += [
                useful(each.sequences_ids[0], length, ask.eos) for each, length in zip(found, lengths, strict=True)
            ]
        return texts

    return write, lambda tokens: str(tokenizer.decode(list(tokens)))


def _options(ask: Ask, places: list[int]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "max_batch_size": ask.batch,
        "include_prompt_in_result": False,
        "sampling_topk": ask.top_k if ask.temperature > 0 else 1,
    }
    if ask.temperature > 0:
        options.update(sampling_topp=ask.top_p, sampling_temperature=ask.temperature)
    if ask.lengths is None:
        return options | {"max_length": ask.max_new_tokens, "end_token": [ask.eos]}
    ends = [ask.lengths[place] for place in places]
    # The end of a planned text takes a step of its own, and no token that is drawn may end it before.
    longest = max(ends) + 1
    return options | {
        "max_length": longest,
        "min_length": longest,
        "callback": lambda step: step.step >= ends[step.batch_id],
    }
