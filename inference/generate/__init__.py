"""Writing copy: slots, templates, prompts, checks, and the engine that runs a bundle without torch.

Importing this package loads neither onnxruntime nor tokenizers; `open_writer` does, when it is called.
"""

from pathlib import Path
from typing import Literal

from schemas.ports import Writer

Provider = Literal["auto", "cpu", "cuda"]


def open_writer(bundle_dir: Path, *, provider: Provider = "auto", threads: int = 1, batch: int = 32) -> Writer:
    """A writer over the bundle in `bundle_dir`, which is verified first.

    `threads` is for one session (a process a core scales better than threads), `batch` the most texts that are
    written at once. `auto` takes CUDA where it works and the CPU elsewhere.
    Raises LackingError: the bundle is missing, tampered with or incompatible, or CUDA was demanded and is not there.
    """
    from inference.bundle import load_bundle
    from inference.generate.engine import open_engine
    from inference.generate.writer import BundleWriter

    bundle = load_bundle(bundle_dir)
    return BundleWriter(bundle, open_engine(bundle, provider=provider, threads=threads, slots=batch))
