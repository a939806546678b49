"""`generation.json`: how to run a bundle's model, as data, so that another model needs no other code."""

from typing import Annotated

from msgspec import Meta, Struct

SCHEMA = 1
"""Raised when a reader of the last number could not run a bundle of the next."""

Count = Annotated[int, Meta(ge=1)]
TokenId = Annotated[int, Meta(ge=0)]


class Sampler(Struct, frozen=True, kw_only=True):
    """How the next token is drawn. A temperature of 0 takes the likeliest."""

    temperature: Annotated[float, Meta(ge=0, le=2)]
    top_p: Annotated[float, Meta(gt=0, le=1)]
    top_k: Count


class Graph(Struct, frozen=True, kw_only=True):
    """The ONNX graph: its sizes and the names of what goes in and out. `{layer}` stands for 0, 1, ... in a name."""

    opset: int
    layers: Count
    heads: Count
    kv_heads: Count
    head_dim: Count
    vocabulary: Count
    input_ids: str
    attention_mask: str
    position_ids: str
    past_key: str
    past_value: str
    logits: str
    present_key: str
    present_value: str


class Controls(Struct, frozen=True, kw_only=True):
    """What a prompt is made of. A word `w` of the kind `k` is the token `<k:w>`.

    `categories` maps a category's word to the words by which a shop's own category name is recognised. `rooms` are
    upper bounds of the characters left beside the name, ascending; a last room is without bound. The last of
    `segments`, `categories` and so on that a request does not match is `any`.
    """

    segments: tuple[str, ...]
    tones: tuple[str, ...]
    ctas: tuple[str, ...]
    lengths: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    rooms: tuple[int, ...]


class Generation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `made_with` names the libraries and versions that made the bundle."""

    schema: int
    name: Annotated[str, Meta(min_length=1)]
    version: str
    quantisation: str
    graph: Graph
    sampler: Sampler
    controls: Controls
    slots: tuple[str, ...]
    bos: TokenId
    eos: TokenId
    pad: TokenId
    max_new_tokens: Count
    made_with: dict[str, str]
