"""How different texts are that stand side by side, in sets of equal size: every measure here depends on the size.

Facts stay open: what the shop's names and prices add to or take from variety is not the writer's.
"""

from collections.abc import Sequence

from inference.text.diversity import distinct_n, set_diversity
from inference.text.embedder import HashedTfidf
from inference.text.ngrams import words
from training.evaluation.intervals import Figure, mean


def variety(sets: Sequence[Sequence[str]], embedder: HashedTfidf, seed: int) -> dict[str, Figure]:
    """The mean over sets of slot texts of equation 1, distinct-1, distinct-2 and self-BLEU; a set is a unit.

    Raises ValueError where sets are not of one size.
    """
    if len({len(texts) for texts in sets}) > 1:
        raise ValueError("sets of different sizes do not compare")
    measured: dict[str, list[float | None]] = {
        "diversity": [set_diversity(embedder.embed(texts)) for texts in sets],
        "distinct_1": [distinct_n(texts, 1) for texts in sets],
        "distinct_2": [distinct_n(texts, 2) for texts in sets],
        "self_bleu": [self_bleu(texts) for texts in sets],
    }
    return {
        name: mean([value for value in values if value is not None], seed + place)
        for place, (name, values) in enumerate(measured.items())
    }


def self_bleu(texts: Sequence[str]) -> float | None:
    """The mean over texts of BLEU-4 against all the others, 0..1 (Zhu et al. 2018, doi 10.1145/3209978.3210080).

    High means alike. By sacrebleu, sentence by sentence: exponential smoothing, orders that a short text has, words as
    `inference.text.ngrams` cuts them. None for fewer than two texts.
    """
    from sacrebleu import sentence_bleu

    cut = [" ".join(words(text)) for text in texts]
    if len(cut) < 2:
        return None
    scores = [
        sentence_bleu(
            own,
            [other for j, other in enumerate(cut) if j != i],
            smooth_method="exp",
            tokenize="none",
            use_effective_order=True,
        ).score
        for i, own in enumerate(cut)
    ]
    return min(1.0, sum(scores) / len(scores) / 100)
