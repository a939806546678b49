"""New copy for entries that have lost a text to fatigue: asked for on the topic of requests, as serve asks. Pure.

The request goes out in the transaction that takes the text out of the pool, so a worker that is killed in between
neither forgets it nor asks twice; and where no text is left it is answered before a shopper has to miss one.
"""

from collections.abc import Iterable, Mapping

from inference.decide.assign import Recipe
from schemas.copy import CopyRequest, PoolEntry
from streams.broadcast.retired import Retired
from streams.generate.entries import Entries

NO_DECISION = ""
"""In place of a decision's id: no shopper has missed the text."""


def renewals(
    revised: Iterable[PoolEntry], pool: Entries, retired: Retired, recipes: Mapping[str, Recipe], now_ms: int
) -> list[CopyRequest]:
    """A request for each entry that a retired text leaves. `pool` holds the entries as they were.

    A variant without a recipe is no arm any more: nobody is shown it, and nothing is asked for.
    """
    found = []
    for entry in revised:
        key = entry.key()
        before, recipe = pool.entry(key), recipes.get(key.variant)
        if recipe is None or before is None:
            continue
        if any(retired.bars(each.slot_text, key.segment) for each in before.candidates):
            found.append(
                CopyRequest(
                    product_id=key.product_id,
                    segment=key.segment,
                    variant=key.variant,
                    channel=key.channel,
                    locale=key.locale,
                    tone=recipe.tone,
                    cta=recipe.cta,
                    length=recipe.length,
                    requested_ms=now_ms,
                    decision_id=NO_DECISION,
                )
            )
    return found
