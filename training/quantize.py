"""8-bit weights in blocks of 32.

Of the ways that were measured this is the one whose text for a prompt does not depend on the prompt's neighbours in the
batch: each row of activations is scaled by itself, where dynamic quantisation takes one scale for a whole tensor.
"""

import logging
from pathlib import Path

import onnx
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

NAME = "nb8"
_BITS = 8
_BLOCK = 32
# Integer arithmetic on the CPU; each row of activations is quantised by itself.
_ACCURACY = 4


def quantize(source: Path, target: Path) -> None:
    """Write `target`: the graph of `source` with every matrix product's weights in 8 bits, in one file."""
    # It reports every node it looks at.
    logging.getLogger("onnxruntime.quantization").setLevel(logging.WARNING)
    quantizer = MatMulNBitsQuantizer(
        onnx.load(source), bits=_BITS, block_size=_BLOCK, is_symmetric=True, accuracy_level=_ACCURACY
    )
    quantizer.process()
    onnx.save_model(quantizer.model.model, target, save_as_external_data=False)
