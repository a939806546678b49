"""The closed set of slots: facts that a text leaves open and that are filled when it is shown.

A model that writes `{PRICE}` cannot invent a price, and a price that changes needs no new text.
"""

import re
from collections.abc import Mapping

SLOTS = (
    "NAME",
    "BRAND",
    "PRICE",
    "OFF",
    "CATEGORY",
    "COLOR",
    "MATERIAL",
    "SIZE",
    "FEATURE",
    "FEATURE2",
    "RATING",
)
"""Every slot. Each value stands verbatim in the product's record; `OFF` is a share such as "20%", `RATING` a number."""

GRAMMAR = {
    "IS": ("is", "are"),
    "HAS": ("has", "have"),
    "DOES": ("does", "do"),
    # The ending of a verb: "{NAME} wait{S} for you".
    "S": ("s", ""),
    "IT": ("it", "they"),
    "THEM": ("it", "them"),
    "ITS": ("its", "their"),
    "THIS": ("this", "these"),
}
"""Words that agree with the product: one, several. A text may hold them whatever facts are known."""

KNOWN = (*SLOTS, *GRAMMAR)
"""Everything that may stand in braces."""

REQUIRED = "NAME"
"""The one slot that every text holds: copy that does not name its product sells nothing."""

SLOT = re.compile(r"\{([A-Z][A-Z0-9]*)\}")


def offered(facts: Mapping[str, str], max_chars: int) -> frozenset[str]:
    """The slots that a text of at most `max_chars` may hold: known, with a value, and short enough to leave room.

    A fact that takes more than two fifths of what the name leaves would crowd out the sentence it stands in, so it is
    not offered.
    """
    left = max_chars - len(facts.get(REQUIRED, ""))
    return frozenset(
        slot for slot in SLOTS if (value := facts.get(slot)) and (slot == REQUIRED or len(value) * 5 <= left * 2)
    )
