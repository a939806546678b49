"""The faults of a text that a model has drawn for a row's request: all those that serving would find."""

from collections.abc import Mapping, Sequence

from inference.generate.checks import codes
from inference.generate.findings import codes_of
from inference.generate.judge import Standards, judged, subject_of
from inference.generate.relevance import neighbours_of
from training.tune.sift import Row


class Gates:
    """Faults of texts for the products of some rows, whose facts are one another's neighbours."""

    def __init__(self, rows: Sequence[Row], kinds: Mapping[str, tuple[str, ...]]) -> None:
        products = {row.product.product_id: row.product for row in rows}
        self._standards = Standards(neighbours=neighbours_of(products.values()), kinds=kinds)
        self._subjects = {name: subject_of(product) for name, product in products.items()}

    def codes(self, text: str, row: Row, *, finished: bool) -> tuple[str, ...]:
        """Why serving would not admit a slot text for a row's request; empty means admitted.

        Raises KeyError for a product that none of the rows had.
        """
        said = codes(text, row.request, finished=finished)
        if not text.strip():
            return said
        subject = self._subjects[row.product.product_id]
        return codes_of(judged(text, row.request.channel, subject, self._standards, said).findings)
