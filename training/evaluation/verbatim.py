"""How much of a text stands in what the model was trained on, word for word, its facts left open."""

from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct

from inference.text.ngrams import words
from inference.text.sentences import sentences


class Training(Struct, frozen=True, dict=True):
    """The texts of a training, in slot form."""

    texts: tuple[str, ...]

    @cached_property
    def whole(self) -> frozenset[tuple[str, ...]]:
        """Every text, normalised."""
        return frozenset(map(normalised, self.texts))

    @cached_property
    def sentences(self) -> frozenset[tuple[str, ...]]:
        """Every sentence of every text, normalised."""
        return frozenset(sentence for text in self.texts for sentence in said(text))


def normalised(text: str) -> tuple[str, ...]:
    """A text without case and punctuation."""
    return tuple(words(text))


def said(slot_text: str) -> list[tuple[str, ...]]:
    """The sentences that say something of their own, normalised. One of slots alone ("{FEATURE}.") is a label."""
    found = map(normalised, sentences(slot_text))
    return [sentence for sentence in found if any(not word.startswith("{") for word in sentence)]


def copied(slot_text: str, training: Training) -> tuple[int, int]:
    """How many of a text's sentences stand in the training, and how many it has."""
    own = said(slot_text)
    return sum(sentence in training.sentences for sentence in own), len(own)


def training_of(texts: Iterable[str]) -> Training:
    """The texts that a model saw."""
    return Training(tuple(texts))
