"""What is measured on the texts of an entry, and how they are weighed against one another."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from inference.decide.facts import Facts
from inference.generate.render import compile_text, render
from inference.generate.scores import Scores, scores_of
from inference.generate.select import Predict, worth_of
from inference.text.diversity import marginal_diversity
from inference.text.embedder import HashedTfidf
from schemas.copy import Candidate
from streams.broadcast.curation import Curation

_EMBEDDER = HashedTfidf()


class Measure(Struct, frozen=True, kw_only=True):
    """`active` texts of a key are shown, `usual` is lambda where nobody has said otherwise, `usual_stock` the median of
    the catalogue's stock, 0 where none is known.
    """

    bundle_sha256: str
    predict: Predict
    active: int = 1
    usual: float = 0.5
    usual_stock: float = 0.0

    def creativity(self, facts: Facts, curation: Curation) -> float:
        """lambda for a product."""
        return curation.creativity(facts.product.category, self.usual)

    def worth(self, facts: Facts) -> float:
        """What an order of a product is worth beside the average one."""
        return worth_of(facts.product.margin_share, facts.product.stock, self.usual_stock)

    def scored(self, slot_text: str, shown: str, cta: str, segment: str, facts: Facts) -> dict[str, float]:
        """The scores of a text by itself; what depends on its set is added by `diversified`."""
        (scores,), _ = scores_of([slot_text], [shown], cta, facts.product, _EMBEDDER)
        known = msgspec.structs.replace(scores, p_conv=self.predict(slot_text, segment))
        return {name: value for name in Scores.__struct_fields__ if (value := getattr(known, name)) is not None}

    def diversified(self, candidates: Sequence[Candidate], segment: str, facts: Facts) -> list[Candidate]:
        """The candidates with what each adds to the set (D_i), and with P_conv."""
        shown = [_shown(candidate.slot_text, facts) for candidate in candidates]
        return [
            msgspec.structs.replace(candidate, scores=self._with(candidate, apart, segment))
            for candidate, apart in zip(candidates, marginal_diversity(_EMBEDDER.embed(shown)), strict=True)
        ]

    def predicted(self, candidates: Sequence[Candidate], segment: str) -> list[Candidate]:
        """The candidates with P_conv as it is now; as they are where there is no model."""
        return [
            msgspec.structs.replace(each, scores=self._converting(each.scores, each.slot_text, segment))
            for each in candidates
        ]

    def _with(self, candidate: Candidate, apart: float | None, segment: str) -> dict[str, float]:
        scores = {name: value for name, value in candidate.scores.items() if name != "diversity"}
        if apart is not None:
            scores["diversity"] = round(apart, 4)
        return self._converting(scores, candidate.slot_text, segment)

    def _converting(self, scores: dict[str, float], slot_text: str, segment: str) -> dict[str, float]:
        p_conv = self.predict(slot_text, segment)
        return scores if p_conv is None else {**scores, "p_conv": round(p_conv, 6)}


def _shown(slot_text: str, facts: Facts) -> str:
    return render(compile_text(slot_text), facts.values) or slot_text
