"""`python -m training.ablation.base --texts F --out DIR`: a small base of no skill, where no model can be fetched.

A Llama with random weights and a tokenizer of its own, learned from the texts (JSON lines with `text`) and the words
of the prompts. Tuned once on another shop's copy it is a base on which an ablation takes minutes and not days.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from inference.generate.text_prompt import KINDS, library

# Near 3 million weights: a step of 16 rows is under a second on two cores.
_SHAPE = {"hidden_size": 192, "intermediate_size": 576, "num_hidden_layers": 4}
_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
_VOCABULARY = 4_000
_MARKERS = ("<|begin|>", "<|end|>")
# A prompt in words has some 300 tokens, with a reference and every slot twice that.
_CONTEXT = 1_024


def make_base(texts: Iterable[str], folder: Path, seed: int) -> Path:
    """Write the model and its tokenizer for transformers. The same texts and seed give the same weights."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_MARKERS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = [line for kind in (*KINDS, "categories", "avoid") for line in library(kind).values()]
    tokenizer.train_from_iterator([*texts, *words], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer)
    fast.add_special_tokens({"bos_token": _MARKERS[0], "eos_token": _MARKERS[1], "pad_token": _MARKERS[1]})
    torch.manual_seed(seed)
    config = LlamaConfig(
        **_SHAPE,
        **_HEADS,
        vocab_size=len(fast),
        max_position_embeddings=_CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.ablation.base", description=__doc__)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    make_base((json.loads(line)["text"] for line in asked.texts.read_text("utf-8").splitlines()), asked.out, asked.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
