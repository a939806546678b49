"""`generation.json`: how to run a bundle's model, as data, so that another model needs no other code."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

SCHEMA = 2
"""Raised when a reader of the last number could not run a bundle of the next."""

Count = Annotated[int, Meta(ge=1)]
TokenId = Annotated[int, Meta(ge=0)]


class Sampler(Struct, frozen=True, kw_only=True):
    """How the next token is drawn. A temperature of 0 takes the likeliest.

    A text's first `opening` tokens decide what it is about, and are drawn at `temperature`; the others at `later`.
    `least` is the chance that the model itself has to give each token behind the opening: a text with a less likely one
    is no sentence that it has learned (`copy_unsure`).
    """

    temperature: Annotated[float, Meta(ge=0, le=2)]
    top_p: Annotated[float, Meta(gt=0, le=1)]
    top_k: Count
    opening: Annotated[int, Meta(ge=0)] = 0
    later: Annotated[float, Meta(ge=0, le=2)] | None = None
    least: Annotated[float, Meta(ge=0, lt=1)] = 0.0


class Graph(Struct, frozen=True, kw_only=True):
    """The ONNX graph. `fused`: attention reads and writes its cache in place; `plain`: an export as optimum makes it.

    `context` bounds the tokens of a row, prompt and text together.
    """

    kind: Literal["fused", "plain"]
    precision: Literal["fp32", "fp16"] = "fp32"
    opset: int
    layers: Count
    kv_heads: Count
    head_dim: Count
    vocabulary: Count
    context: Count


class Controls(Struct, frozen=True, kw_only=True):
    """What a prompt is made of. A word `w` of the kind `k` is the token `<k:w>`.

    `categories` maps a category's word to the words by which a shop's own category name is recognised. `rooms` are
    upper bounds of the characters left beside the name, ascending; a last room is without bound. The last of
    `segments`, `categories` and so on that a request does not match is `any`. `telltales` maps a word to the only
    categories whose texts it was learned from.
    """

    segments: tuple[str, ...]
    tones: tuple[str, ...]
    ctas: tuple[str, ...]
    lengths: tuple[str, ...]
    channels: tuple[str, ...]
    sentiments: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    rooms: tuple[int, ...]
    telltales: dict[str, tuple[str, ...]] = {}


class Generation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `made_with` names the libraries and versions that made the bundle.

    `silent` are tokens that no text may hold: markers and control words. `prompt`: a row of control words, or words as
    `inference.generate.text_prompt` makes them. `bos` is None for a model that knows no beginning.
    """

    schema: int
    name: Annotated[str, Meta(min_length=1)]
    version: str
    quantisation: str
    graph: Graph
    sampler: Sampler
    controls: Controls
    slots: tuple[str, ...]
    bos: TokenId | None
    eos: TokenId
    pad: TokenId
    silent: tuple[TokenId, ...]
    max_new_tokens: Count
    made_with: dict[str, str]
    prompt: Literal["controls", "text"] = "controls"
