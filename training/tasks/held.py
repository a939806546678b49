"""What no tuning sees: a tenth of the products and texts, and whole categories. A rule, so that it can be told again.

In-domain, out-of-domain and unseen-instruction test sets apart follow ECInstruct (arXiv 2402.08831).
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

SHARE = 0.1
"""Of products and of labelled texts."""

_CATEGORIES = 0.1
# A category with more of the catalogue than this is what the shop is about: without it nothing is learned.
_LARGEST = 0.25
# With fewer, one that is left out is a third of all there is.
_LEAST = 4


def held_product(seed: int, product_id: str) -> bool:
    """Whether a product is held out. Depends on the seed and its id alone."""
    return chance(f"{seed}:{product_id}") < SHARE


def held_text(seed: int, text: str) -> bool:
    """Whether a labelled text is held out; case and blanks make no other text of it."""
    return chance(f"{seed}:text:{' '.join(text.casefold().split())}") < SHARE


def held_groups(seed: int, groups: Iterable[str]) -> tuple[str, ...]:
    """Which categories nothing is learned of, by name; `groups` has one entry a product or text.

    A tenth of them, at least one; none where there are too few, or only large ones.
    """
    counts = Counter(groups)
    if len(counts) < _LEAST:
        return ()
    small = [name for name, count in counts.items() if count <= _LARGEST * counts.total()]
    drawn = sorted(small, key=lambda name: (chance(f"{seed}:group:{name}"), name))
    return tuple(sorted(drawn[: max(1, round(_CATEGORIES * len(counts)))]))


def chance(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64
