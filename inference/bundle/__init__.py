"""A bundle: a folder that holds everything a text is written with, and the digest that names it.

model.onnx        the language model, 8-bit weights
tokenizer.json    its vocabulary; slots and control words are tokens of their own
generation.json   how to run it: sampler, limits, control words, names and sizes of the graph
metrics.json      what it was measured at when it was made
MODEL_CARD.md     what it is, and what it is not
conversion.json   where there is one: which texts do better than usual (docs/conversion.md)
tasks.json        where there is one: which typed tasks it was tuned for (docs/tasks.md)
SHA256SUMS        a digest of each of the files above; the bundle's own digest is that of this file
"""

from inference.bundle.contents import Bundle, bundle_digest, load_bundle, starter_dir, take_conversion
from inference.bundle.generation import SCHEMA, Controls, Generation, Graph, Sampler

__all__ = [
    "SCHEMA",
    "Bundle",
    "Controls",
    "Generation",
    "Graph",
    "Sampler",
    "bundle_digest",
    "load_bundle",
    "starter_dir",
    "take_conversion",
]
