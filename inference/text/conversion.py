"""Predicted conversion, equation 2 of the paper that Patter follows: P_conv(x) = sigmoid(theta . (x - mean)).

x are a text's attributes and two sparse scores of its words, keyword strength and bag strength. The figure says whether
a text is better or worse than usual: 0.5 is an average text of the data that the model was fitted on. It is no click
rate. What it is fitted to say is which of two texts gets the higher click rate:
P(a beats b) = sigmoid(score(a) - score(b)).
"""

from collections.abc import Mapping
from hashlib import sha256
from itertools import chain
from math import exp, sqrt
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from inference.text.attributes import Attributes, attributes, numbers
from inference.text.bag import Term, bag_strength
from inference.text.ngrams import ngrams, words
from schemas.errors import Code, ConfigError

SCHEMA = 1
"""Raised when a reader of the last number would give another figure for a model of the next."""

KEYWORDS = "keyword_strength"
"""The name under which the n-gram score stands among the attributes."""

BAG = "bag_strength"
"""The name under which the score of `inference.text.bag` stands there."""

_HINT = "fit it anew with `patter train pconv`"


class Weight(Struct, frozen=True, kw_only=True, gc=False):
    """An attribute's part: `weight` for each `scale` (a standard deviation) that a text lies above `mean`."""

    mean: float
    scale: Annotated[float, Meta(gt=0)]
    weight: float


class Conversion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fitted model. `attributes` by name, those of `measures`; `segments` maps a segment to what its texts' weights
    differ by; `ngrams` maps word n-grams of up to `order` words, joined by a blank, to their strength; `bag` are the
    terms of `inference.text.bag`, of which older models have none.

    `source` says what it was fitted on, `figures` what it was measured at. `version` is a digest of all the rest.
    """

    schema: int
    version: str
    attributes: dict[str, Weight]
    segments: dict[str, dict[str, float]]
    ngrams: dict[str, float]
    order: Annotated[int, Meta(ge=1, le=3)]
    source: dict[str, Any]
    figures: dict[str, Any]
    bag: dict[str, Term] = {}


def p_conv(model: Conversion, text: str, segment: str = "any") -> float:
    """How much better or worse than usual a text does, 0..1; 0.5 is an average one. No click rate.

    `text` may be finished or have its slots open; figures of the two do not compare.
    """
    return sigmoid(score(model, text, segment))


def score(model: Conversion, text: str, segment: str = "any") -> float:
    """theta . (x - mean): the log-odds behind `p_conv`. Two texts' scores differ by the log-odds that one beats the
    other.
    """
    found = measures(model, text, segment)
    own = model.segments.get(segment, {})
    return sum(
        (part.weight + own.get(name, 0.0)) * (found.get(name, 0.0) - part.mean) / part.scale
        for name, part in model.attributes.items()
    )


def measures(model: Conversion, text: str, segment: str = "any") -> dict[str, float]:
    """All that a model weighs of a text, by name: its attributes, and the two scores of its words."""
    strengths = {KEYWORDS: keyword_strength(model.ngrams, model.order, text), BAG: bag_strength(model.bag, text)}
    return features(attributes(text, segment)) | strengths


def features(found: Attributes) -> dict[str, float]:
    """The attributes as a model weighs them: the numbers, and `cta:KIND` as 1 for the kind of its call to action."""
    return numbers(found) | ({f"cta:{found.cta}": 1.0} if found.cta is not None else {})


def keyword_strength(strengths: Mapping[str, float], order: int, text: str) -> float:
    """The strengths of the different n-grams in a text, summed, over the root of how many there are: a longer text has
    more of them, and the sum of n independent ones grows as that root.
    """
    held = grams(text, order)
    return sum(strengths.get(gram, 0.0) for gram in held) / sqrt(len(held)) if held else 0.0


def grams(text: str, order: int) -> frozenset[str]:
    """The different word n-grams of a text, of 1 to `order` words, joined by a blank."""
    tokens = words(text)
    return frozenset(chain.from_iterable(map(" ".join, ngrams(tokens, n)) for n in range(1, order + 1)))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def versioned(model: Conversion) -> Conversion:
    """The model with the version that its content has: 16 hex digits of a SHA-256."""
    body = msgspec.json.encode(replace(model, version=""), order="sorted")
    return replace(model, version=sha256(body).hexdigest()[:16])


def write_conversion(model: Conversion, path: Path) -> None:
    """Write a model as `conversion.json`; its version is made from its content."""
    path.write_bytes(msgspec.json.encode(versioned(model), order="sorted") + b"\n")


def read_conversion(path: Path) -> Conversion:
    """Read a model. Raises ConfigError: file_missing, or file_invalid where the file is no such model, is of another
    schema, or is not what its version says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(Code.FILE_MISSING, error.strerror or "cannot be read", where=str(path)) from None
    try:
        held = msgspec.json.decode(content, type=_Head).schema
        if held != SCHEMA:
            what = f"schema is {held}, this version reads {SCHEMA}"
            raise ConfigError(Code.FILE_INVALID, what, where=f"{path}:schema", hint=_HINT)
        model = msgspec.json.decode(content, type=Conversion)
    except msgspec.DecodeError as error:
        raise ConfigError(Code.FILE_INVALID, f"no conversion model: {error}", where=str(path), hint=_HINT) from None
    if versioned(model).version != model.version:
        what = f"the content is not that of version {model.version}"
        raise ConfigError(Code.FILE_INVALID, what, where=f"{path}:version", hint=_HINT)
    return model


class _Head(Struct):
    schema: int
