"""Causal language models of no skill in the form of known families, with tokenizers of their own; and a shop's copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from inference.generate.text_prompt import library

SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}
FAMILIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    # Llama 3: a beginning token, scaled frequencies, ends of their own.
    "llama": lambda ids: LlamaForCausalLM(
        LlamaConfig(
            **{**SHAPE, **ids},
            rope_theta=500000.0,
            rope_scaling={
                "rope_type": "llama3",
                "factor": 32.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 512,
            },
        )
    ),
    # Qwen2.5: biases on queries, keys and values, one matrix for both ends, more rows than tokens.
    "qwen2": lambda ids: Qwen2ForCausalLM(
        Qwen2Config(
            **{**SHAPE, **ids, "vocab_size": ids["vocab_size"] + 40},
            rope_theta=1000000.0,
            tie_word_embeddings=True,
            use_sliding_window=False,
        )
    ),
    # SmolLM: three heads on one, one matrix for both ends.
    "smollm": lambda ids: LlamaForCausalLM(
        LlamaConfig(
            **{**SHAPE, **ids, "hidden_size": 48, "num_attention_heads": 3, "num_key_value_heads": 1},
            rope_theta=100000.0,
            rms_norm_eps=1e-5,
            tie_word_embeddings=True,
        )
    ),
    # Norms on queries and keys: cannot be fused.
    "qwen3": lambda ids: Qwen3ForCausalLM(Qwen3Config(**{**SHAPE, **ids}, head_dim=16, tie_word_embeddings=True)),
    # Windowed: cannot be fused either.
    "windowed": lambda ids: Qwen2ForCausalLM(
        Qwen2Config(
            **{**SHAPE, **ids, "max_position_embeddings": 8192},
            use_sliding_window=True,
            sliding_window=4096,
            max_window_layers=0,
        )
    ),
}

_NAMES = (
    "Harbor Kettle",
    "Trail Socks",
    "Ridge Lamp",
    "Fern Mug",
    "Cedar Bowls",
    "Dune Scarf",
    "Wren Desk",
    "Moss Boots",
)
_TEXTS = (
    "Meet {name}, yours for {price}. Shop now.",
    "{name} {is} waiting by the door. Take a look.",
    "The morning starts with {name}. See the details.",
)


def make_base(folder: Path, family: str, seed: int = 0) -> Path:
    """A folder of transformers' with random weights of a family, loud enough that greedy texts differ."""
    tokenizer = tokenizer_of(begins=family == "llama")
    ids = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(seed)
    model = FAMILIES[family](ids)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2:
                weight.mul_(4)
            elif name.endswith("bias"):
                weight.normal_()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tokenizer_of(*, begins: bool) -> PreTrainedTokenizerFast:
    """Byte-level pieces, as all three families have them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [text for kind in ("segments", "tones", "channels", "categories") for text in library(kind).values()]
    tokenizer.train_from_iterator([*texts, *_TEXTS], trainer)
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|begin|> $A", special_tokens=[("<|begin|>", 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|end|>", pad_token="<|end|>"
    )


def approved_csv(folder: Path) -> Path:
    """24 approved texts for eight products, in product columns."""
    lines = ["product_id,name,category,price,segment,tone,channel,text,impressions,clicks"]
    for number, name in enumerate(_NAMES):
        for place, text in enumerate(_TEXTS):
            price, verb = f"{number + 12}.50", "are" if name.endswith("s") else "is"
            said = text.format(name=name, price=f"${price}", **{"is": verb})
            segment = ("new", "loyal", "any")[place]
            lines.append(f'p{number},{name},Home,{price} USD,{segment},warm,push,"{said}",100,{place}')
    path = folder / "approved.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
