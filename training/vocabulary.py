"""The tokenizer: byte-pair pieces of the corpus, and a token of its own for each slot and control word.

The alphabet is that of the corpus, which holds no digit: the model could not write a number if it wanted to.
"""

from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from inference.bundle.generation import Controls
from inference.generate.prompt import all_tokens
from inference.generate.slots import KNOWN

BOS, EOS, PAD, UNKNOWN = "<bos>", "<eos>", "<pad>", "<unk>"

# The corpus has about ten thousand words, most of them rare; at this size the usual ones are one token each.
SIZE = 4096


def build(texts: Iterable[str], controls: Controls, size: int = SIZE) -> Tokenizer:
    """Train a tokenizer on slot texts. Slots and control words come first, so that their ids do not depend on texts.

    Slots are kept when ids are turned back into text; control words are not.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    special = [PAD, BOS, EOS, UNKNOWN, *all_tokens(controls)]
    slots = [f"{{{slot}}}" for slot in KNOWN]
    trainer = trainers.BpeTrainer(vocab_size=size - len(slots), special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(_without_slots(texts, slots), trainer)
    tokenizer.add_tokens([AddedToken(slot, normalized=False, special=False) for slot in slots])
    return tokenizer


def _without_slots(texts: Iterable[str], slots: list[str]) -> Iterable[str]:
    for text in texts:
        bare = text
        for slot in slots:
            bare = bare.replace(slot, " ")
        yield bare


def silent(tokenizer: Tokenizer, controls: Controls) -> tuple[int, ...]:
    """The tokens that no text may hold."""
    marks = (PAD, BOS, EOS, UNKNOWN, *all_tokens(controls))
    return tuple(sorted(number for mark in marks if (number := tokenizer.token_to_id(mark)) is not None))
