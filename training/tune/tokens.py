"""Slots as tokens of a model's own tokenizer, so that what a text may state can be masked token by token."""

import re
from typing import Any

import torch
from msgspec import Struct
from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from inference.generate.slots import KNOWN
from schemas.errors import Code, ConfigError

# No text may state a number or price but through a slot, nor hold braces, markup or a second line.
_NEVER = re.compile(r"[\d%‰$€£¥₹₩¢#½¼¾⅓⅔{}<>\[\]|\n\r\tĊčĉ]")
# What a slot's token begins from: the mean of what the model knows of these words.
_MEANING = {
    "NAME": "name",
    "BRAND": "brand",
    "PRICE": "price",
    "OFF": "discount",
    "CATEGORY": "category",
    "COLOR": "color",
    "MATERIAL": "material",
    "SIZE": "size",
    "FEATURE": "feature",
    "FEATURE2": "another feature",
    "RATING": "rating",
    "IS": "is",
    "HAS": "has",
    "DOES": "does",
    "S": "s",
    "IT": "it",
    "THEM": "them",
    "ITS": "its",
    "THIS": "this",
}


class Markers(Struct, frozen=True):
    """A tokenizer's own: beginning (None where the model knows none), end, padding."""

    bos: int | None
    eos: int
    pad: int


def add_slots(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """Make each slot one token, kept when ids are turned back into text; {slot: id}.

    Raises ConfigError where the tokenizer has none that can be saved by itself, or knows no end of a text.
    """
    if not getattr(tokenizer, "is_fast", False) or tokenizer.eos_token_id is None:
        what = "has no fast form (tokenizer.json)" if tokenizer.eos_token_id is not None else "knows no end of a text"
        raise ConfigError(Code.FILE_INVALID, f"the base's tokenizer {what}", where="--base", hint="take another base")
    marks = [f"{{{slot}}}" for slot in KNOWN]
    tokenizer.add_tokens([AddedToken(mark, normalized=False, special=False) for mark in marks])
    return {slot: tokenizer.convert_tokens_to_ids(mark) for slot, mark in zip(KNOWN, marks, strict=True)}


def markers_of(tokenizer: PreTrainedTokenizerFast) -> Markers:
    """The beginning counts where the tokenizer itself puts it before a text."""
    bos, eos = tokenizer.bos_token_id, int(tokenizer.eos_token_id)
    begins = bos is not None and tokenizer("a").input_ids[:1] == [bos]
    return Markers(bos if begins else None, eos, eos if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def silent_of(tokenizer: Tokenizer, slots: dict[str, int]) -> tuple[int, ...]:
    """Tokens that no text may hold: markers, pieces with digits, signs of money or markup, and ids without a token."""
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    found = []
    for number in range(size):
        token = tokenizer.id_to_token(number)
        if number not in slots.values() and (number in special or not token or _never(tokenizer, number, token)):
            found.append(number)
    return tuple(found)


def _never(tokenizer: Tokenizer, number: int, token: str) -> bool:
    # Byte-level pieces write signs beyond ASCII as letters of their own; what they decode to is what counts.
    return _NEVER.search(token) is not None or _NEVER.search(tokenizer.decode([number])) is not None


def fit_embeddings(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, slots: dict[str, int], fresh: frozenset[int]
) -> None:
    """Room for the tokens, and a beginning for those that are `fresh`: the mean of the words that say what it is."""
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ends = [model.get_input_embeddings().weight]
    if (head := model.get_output_embeddings()) is not None and head.weight is not ends[0]:
        ends.append(head.weight)
    with torch.no_grad():
        for slot, number in slots.items():
            if number in fresh:
                words = tokenizer.encode(f" {_MEANING[slot]}", add_special_tokens=False)
                for weight in ends:
                    weight[number] = weight[words].mean(dim=0)


def encode(tokenizer: Any, markers: Markers, prompt: str, text: str) -> tuple[list[int], int]:
    """(ids of beginning, prompt, text and end; how many of them are the prompt's), as the engine feeds them."""
    head = tokenizer.encode(prompt, add_special_tokens=False).ids
    begin = [] if markers.bos is None else [markers.bos]
    return [*begin, *head, *tokenizer.encode(text, add_special_tokens=False).ids, markers.eos], len(begin) + len(head)
