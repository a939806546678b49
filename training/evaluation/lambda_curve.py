"""`python -m training.evaluation.lambda_curve BUNDLE --catalog F --conversion F`: `patter evaluate lambda`."""

import argparse
import random
import sys
from pathlib import Path
from typing import Any

import msgspec

from inference.bundle import load_bundle
from inference.generate import open_writer
from inference.generate.compose import compose
from inference.generate.copyset import Ask
from inference.generate.judge import Standards
from inference.generate.relevance import neighbours_of
from inference.generate.select import predictor
from inference.text.conversion import read_conversion
from inference.text.embedder import HashedTfidf
from schemas.catalog import Product
from schemas.errors import Code, ConfigError, PatterError
from schemas.ports import Writer
from training.evaluation.__main__ import products
from training.evaluation.run import rounded
from training.evaluation.tradeoff import Candidates, curve

_SEGMENTS = ("new", "regular", "loyal", "big_spender", "bargain_hunter", "lapsed")
_PATIENCE_S = 600.0
# Far fewer than the engine takes at once, and enough to keep it busy.
_BATCH = 16


def candidates_of(
    writer: Writer, catalogue: list[Product], standards: Standards, *, keys: int, variants: int, seed: int
) -> list[Candidates]:
    """Up to `variants` texts for each of up to `keys` products, for a segment that is drawn; templates left out."""
    rng = random.Random(seed)
    asks = [
        Ask(product=product, segment=rng.choice(_SEGMENTS), tone="plain", cta="none", channel="push")
        for product in rng.sample(catalogue, min(keys, len(catalogue)))
    ]
    found = []
    for start in range(0, len(asks), _BATCH):
        sets = compose(
            writer,
            asks[start : start + _BATCH],
            variants=variants,
            seed=seed,
            standards=standards,
            embedder=HashedTfidf(),
            deadline_s=_PATIENCE_S,
        )
        for each in sets:
            texts = dict.fromkeys(variant.slot_text for variant in each.variants if variant.source == "model")
            found.append(Candidates(each.ask, tuple(texts)))
        print(f"{len(found)} of {len(asks)} keys", file=sys.stderr, flush=True)
    return found


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """The curve, with what it was measured on. Raises ConfigError where there is no model of conversion."""
    bundle = load_bundle(asked.bundle)
    model = bundle.conversion if asked.conversion is None else read_conversion(asked.conversion)
    if model is None:
        hint = "give --conversion, or put one into the bundle (`patter train pconv --bundle`)"
        raise ConfigError(Code.USAGE, "the bundle holds no model of conversion", where=str(asked.bundle), hint=hint)
    catalogue = [product for path in asked.catalog for product in products(path)]
    controls = bundle.generation.controls
    sets = candidates_of(
        open_writer(asked.bundle, provider="cpu"),
        catalogue,
        Standards(neighbours=neighbours_of(catalogue), kinds=controls.categories, telltales=controls.telltales),
        keys=asked.keys,
        variants=asked.variants,
        seed=asked.seed,
    )
    found = curve(sets, predictor(model), active=asked.active, seed=asked.seed)
    if not found:
        what = f"no product has more than {asked.active} texts to choose from"
        raise ConfigError(Code.FILE_INVALID, what, where=str(asked.bundle), hint="more --variants, fewer --active")
    return {
        "simulated": False,
        "embedder": HashedTfidf().name,
        "conversion_version": model.version,
        "keys": len(sets),
        "variants": asked.variants,
        "active": asked.active,
        "texts": sum(len(each.texts) for each in sets),
        "curve": rounded_curve(found),
        "failures": [],
    }


def rounded_curve(found: dict[str, Any]) -> dict[str, Any]:
    """Figures as plain values."""
    return {name: [rounded(point) for point in points] for name, points in found.items()}


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0, or the exit code of an error."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.lambda_curve", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--catalog", type=Path, action="append", required=True, help="products, JSON lines")
    parser.add_argument("--conversion", type=Path, help="a conversion.json; without it the bundle's own")
    parser.add_argument("--keys", type=int, default=200, help="products, at most")
    parser.add_argument("--variants", type=int, default=8, help="texts to choose from, for each")
    parser.add_argument("--active", type=int, default=3, help="of which so many are shown")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="where a picture goes, SVG or PNG by its name")
    parser.add_argument("--json", type=Path, help="where the result goes")
    asked = parser.parse_args(arguments)
    try:
        result = measured(asked)
    except PatterError as error:
        print(error.line(), file=sys.stderr)
        return error.exit_code
    if asked.plot is not None:
        # Drawing takes a second to import, and most runs want the figures only.
        from training.evaluation.curve_plot import plot

        plot(result["curve"], asked.plot)
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
