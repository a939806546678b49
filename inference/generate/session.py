"""A session of ONNX Runtime for a bundle's graph: providers, threads, and what was really taken."""

import contextlib
import ctypes
import io
from typing import Any, Literal

import onnxruntime

from inference.bundle import Bundle
from schemas.errors import Code, LackingError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
Provider = Literal["auto", "cpu", "cuda"]
_SILENT = 4


def open_session(bundle: Bundle, provider: Provider, threads: int) -> tuple[Any, str]:
    """The session, and the provider that it took.

    Raises LackingError: PROVIDER_MISSING (CUDA was demanded and does not work here), BUNDLE_INCOMPATIBLE (the runtime
    cannot load the graph).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait would take the cores that serve and collect run on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = _SILENT
    wanted = [CPU] if provider == "cpu" or not _has_cuda() else [CUDA, CPU]
    try:
        session = onnxruntime.InferenceSession(str(bundle.model), options, providers=wanted)
    except Exception as error:  # noqa: BLE001 - the runtime raises classes of its own, which it does not export
        raise LackingError(
            Code.BUNDLE_INCOMPATIBLE,
            f"model.onnx does not load: {error}",
            where=str(bundle.folder),
            hint="make the bundle anew (docs/model.md)",
        ) from None
    # The runtime falls back to the CPU without a word, so what it took has to be asked for.
    took: str = session.get_providers()[0]
    if provider == "cuda" and took != CUDA:
        raise LackingError(
            Code.PROVIDER_MISSING,
            "CUDA was demanded and does not work here",
            where=f"onnxruntime {onnxruntime.__version__}",
            hint="install its CUDA and cuDNN libraries, or set the provider to auto or cpu",
        )
    return session, took


def _has_cuda() -> bool:
    """Whether asking for CUDA has a chance; asking in vain makes the runtime write to the terminal."""
    if CUDA not in onnxruntime.get_available_providers():
        return False
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    # Loads the CUDA libraries of Python packages where there are any; says on stdout what it does not find.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    return True
