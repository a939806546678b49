"""The writer of a run and what is said of it in the result."""

from pathlib import Path

from msgspec import Struct

from inference.bundle import Controls, load_bundle, starter_dir
from inference.generate import Provider, open_writer
from inference.generate.select import Predict, predictor
from schemas.ports import Writer


class Opened(Struct, frozen=True, kw_only=True):
    """A writer over a verified bundle, the words that the bundle knows, and how its weights are kept."""

    writer: Writer
    controls: Controls
    quantisation: str
    predict: Predict

    def about(self) -> dict[str, object]:
        """The section `bundle` of a result."""
        return {
            "name": self.writer.bundle_name,
            "sha256": self.writer.bundle_sha256,
            "quantisation": self.quantisation,
            "provider": self.writer.provider,
        }


def open_bundle(folder: Path | None, provider: Provider = "auto") -> Opened:
    """The bundle of a folder, or the starter. Raises LackingError as `load_bundle` and `open_writer` do."""
    place = folder or starter_dir()
    bundle = load_bundle(place)
    generation = bundle.generation
    writer = open_writer(place, provider=provider)
    return Opened(
        writer=writer,
        controls=generation.controls,
        quantisation=generation.quantisation,
        predict=predictor(bundle.conversion),
    )
