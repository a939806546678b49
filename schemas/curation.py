"""What people say about copy on the wire: rulings on single texts, and how much creativity is wanted where."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.copy import CopyKey
from schemas.ids import Name, ProductId

EVERYWHERE = "*"
"""The category of a creativity that holds wherever no category has its own."""


class CopyRuling(Struct, frozen=True, kw_only=True):
    """A person's word on one text of one key. Key of the record: copy_id.

    `rejected` holds for the text wherever it stands, whichever model writes it; `approved` puts it into the pool under
    its key. The newest ruling on a copy_id holds. `by` and `why` are the audit.
    """

    copy_id: str
    ruling: Literal["approved", "rejected"]
    product_id: ProductId
    segment: Name
    variant: Name
    channel: Name
    locale: Name
    slot_text: str
    bundle_sha256: str
    prompt_id: str = ""
    time_ms: int
    by: str
    why: str

    def key(self) -> CopyKey:
        return CopyKey(self.product_id, self.segment, self.variant, self.channel, self.locale)


class Creativity(Struct, frozen=True, kw_only=True):
    """lambda of equation 3 for one category, or EVERYWHERE. Key of the record: category.

    0 ranks texts by P_conv alone, 1 by their diversity alone. None: the category goes with the others again.
    """

    category: Name
    creativity: Annotated[float, Meta(ge=0, le=1)] | None
    time_ms: int
    by: str
    why: str
