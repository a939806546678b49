"""What all arms and seeds share: the rows to learn from, the held-out prompts, and their references."""

from collections.abc import Sequence

from msgspec import Struct

from inference.bundle import Controls
from schemas.approved import ApprovedCopy
from schemas.errors import Code, ConfigError
from training.objective.gain import spread
from training.tune.product import controls_of
from training.tune.sift import Row, references_of, sift, split, with_references


class Ground(Struct, frozen=True):
    """Rows with the reference that a prompt may show, or None; `controls` are the words of all of them."""

    learned: list[tuple[Row, str | None]]
    held: list[tuple[Row, str | None]]
    controls: Controls
    products: int
    left_out: int


def ground_of(copies: Sequence[ApprovedCopy], prompts: int, seed: int) -> Ground:
    """The split is that of `patter train` under the seed: a tenth of the products is held out.

    A quarter of the learned rows have a reference, as in `patter train`, and every held-out prompt for which there is
    one. Raises ConfigError where nothing is left to learn from or to measure on.
    """
    sifted = sift(copies, seed)
    learned, held = split(sifted.rows, seed)
    if not learned or not held:
        what = f"{len(learned)} rows to learn from and {len(held)} held out"
        raise ConfigError(Code.FILE_INVALID, what, where="--data", hint="give approved copy of more products")
    choose = references_of(learned).choose
    chosen = [held[place] for place in spread(held, prompts, seed)]
    return Ground(
        [(row, shown.request.reference) for row, shown in zip(learned, with_references(learned, seed), strict=True)],
        [(row, choose(row.request).text) for row in chosen],
        controls_of(sifted.rows),
        len({row.product.product_id for row in chosen}),
        len(sifted.rejected),
    )
