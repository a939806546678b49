"""What a model was trained on, as an evaluation needs it: texts, verbs, and the words of each category."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from training.evaluation.grammar import verbs_of
from training.evaluation.telltales import foreign, telltales
from training.evaluation.verbatim import Training, training_of
from training.lines import Line


class Sources(Struct, frozen=True, kw_only=True):
    """`calls` are the types of call to action that the training has in each channel."""

    training: Training
    verbs: frozenset[str]
    own_words: Mapping[str, str]
    calls: Mapping[str, tuple[str, ...]]

    def foreign(self, slot_text: str, category: str, record: str) -> tuple[str, ...]:
        """The words of a text that belong to another category's lines."""
        return foreign(slot_text, category, self.own_words, record)


def sources_of(trained: Sequence[Line]) -> Sources:
    """The sources of a training on these lines."""
    texts = [line.text for line in trained]
    calls: dict[str, set[str]] = {}
    for line in trained:
        calls.setdefault(line.channel, set()).add(line.cta)
    return Sources(
        training=training_of(texts),
        verbs=verbs_of(texts),
        own_words=telltales((line.category, line.text) for line in trained),
        calls={channel: tuple(sorted(ctas)) for channel, ctas in sorted(calls.items())},
    )
