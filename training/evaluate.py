"""What a bundle is worth, as far as a machine can say: texts for held-out prompts, checked, compared with the bank.

No figure here says that a text sells. They say that it is admissible, that it does as asked, and how much of it is new.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from inference.generate import open_writer
from inference.generate.checks import has_cta
from inference.generate.render import slots_in
from inference.generate.slots import offered
from schemas.ports import TextRequest, WrittenText
from training.corpus import NO_CTA, Bank, load_bank, pairs

PROMPTS = 600
# Far above what the machine needs: an evaluation waits for its texts.
_PATIENCE_S = 600.0


def evaluate(folder: Path, *, seed: int, prompts: int = PROMPTS) -> dict[str, float | int | dict[str, int]]:
    """Write a text for each of `prompts` held-out prompts, with the bundle's own sampler, and describe them.

    Shares are of `n`, of `n_cta` for `cta_as_asked`. `distinct_2`: different pairs of neighbouring words over all of
    them (Li et al. 2016); `sentences_of_corpus`: the share of sentences that stand in the bank as they are.
    """
    requests = [
        msgspec.structs.replace(pair.request, seed=seed + number)
        for number, pair in enumerate(pairs(seed, prompts, held_out=True))
    ]
    texts = open_writer(folder, provider="cpu").write(requests, _PATIENCE_S)
    return describe(requests, texts, load_bank())


def describe(
    requests: Sequence[TextRequest], texts: Sequence[WrittenText], bank: Bank
) -> dict[str, float | int | dict[str, int]]:
    """The figures of `evaluate` for texts that are already there."""
    count = len(texts)
    asked = [(request, text) for request, text in zip(requests, texts, strict=True) if request.cta != NO_CTA]
    astray = sum(
        not slots_in(text.slot_text) <= offered(request.facts, request.max_chars)
        for request, text in zip(requests, texts, strict=True)
    )
    words = [pair for text in texts for pair in pairwise(text.slot_text.split())]
    known = {sentence for whole in (*bank.openings(), *bank.others()) for sentence in _sentences(whole)}
    said = [sentence for text in texts for sentence in _sentences(text.slot_text)]
    return {
        "n": count,
        "n_cta": len(asked),
        "admitted": _share(sum(not text.codes for text in texts), count),
        "cta_as_asked": _share(sum(has_cta(text.slot_text, request.cta) for request, text in asked), len(asked)),
        "slots_not_offered": _share(astray, count),
        "distinct_2": _share(len(set(words)), len(words)),
        "distinct_texts": _share(len({text.slot_text for text in texts}), count),
        "sentences_of_corpus": _share(sum(sentence in known for sentence in said), len(said)),
        "mean_tokens": round(sum(text.tokens for text in texts) / count, 2),
        "codes": dict(sorted(Counter(code for text in texts for code in text.codes).items())),
    }


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in text.replace("!", ".").replace("?", ".").split(".") if sentence.strip()]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
