"""Which of several texts for one key are shown: equation 3 of the paper that Patter follows, with a diversity that can
tell the texts of a set apart.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from inference.text.conversion import Conversion, p_conv

Predict = Callable[[str, str], float | None]
"""(text with slots, segment) -> P_conv, or None where there is no model of it."""


class Standing(Struct, frozen=True, gc=False):
    """What is known of one text when it is ranked: its marginal diversity and its P_conv, None where unknown."""

    copy_id: str
    diversity: float | None
    p_conv: float | None


def predictor(model: Conversion | None) -> Predict:
    """P_conv by a bundle's model, None for every text where the bundle has none."""
    if model is None:
        return lambda _slot_text, _segment: None
    return lambda slot_text, segment: p_conv(model, slot_text, segment)


def reward(diversity: float, conversion: float, creativity: float, worth: float = 1.0) -> float:
    """Equation 3: R = lambda * D_i + (1 - lambda) * P_conv, where D_i is the text's marginal diversity.

    The paper writes its set-level D (equation 1) for D_i. That is one number for the whole set and could never change
    an order; see `inference.text.diversity.marginal_diversity`. `creativity` is lambda, 0..1. `worth` weighs the order
    side (`worth_of`); it is Patter's reading of the paper's margin and stock urgency, which are the product's and not
    the text's, so that adding them could not change an order either.
    """
    return creativity * diversity + (1 - creativity) * conversion * worth


def worth_of(margin: float | None, stock: int | None, usual_stock: float) -> float:
    """What an order of a product is worth beside the average one, 0.5..2: more with margin and with stock to clear.

    `margin` is the gross margin as a share of the price, 0..1; `stock` the pieces at hand, `usual_stock` the
    catalogue's median. Each moves the worth by a factor between 1/sqrt(2) and sqrt(2), and what is not known moves it
    not at all. Out of stock there is nothing to clear.
    """
    margin_part = 0.0 if margin is None else 2 * min(1.0, max(0.0, margin)) - 1
    stock_part = 0.0
    if stock is not None and usual_stock > 0:
        stock_part = (max(0, stock) - usual_stock) / (max(0, stock) + usual_stock)
    return float(2 ** ((margin_part + stock_part) / 2))


def rewards(standings: Sequence[Standing], creativity: float, worth: float = 1.0) -> list[float | None]:
    """Every text's reward, in their order.

    A text alone has no other to differ from: its diversity counts as 0, as equation 1 has it for a set of one. None
    where there is no P_conv.
    """
    return [
        None if each.p_conv is None else reward(each.diversity or 0.0, each.p_conv, creativity, worth)
        for each in standings
    ]


def ranking(standings: Sequence[Standing], creativity: float, worth: float = 1.0) -> list[int]:
    """The places of the texts, the best first. Without P_conv diversity decides; a tie is settled by copy_id.

    Where P_conv is known of some only, these come first: what is known of a text is a reason to show it.
    """
    found = rewards(standings, creativity, worth)

    def order(place: int) -> tuple[bool, float, str]:
        known = found[place]
        by = standings[place].diversity or 0.0 if known is None else known
        return known is None, -by, standings[place].copy_id

    return sorted(range(len(standings)), key=order)
