"""Opening a bundle: every file is hashed before anything in it is believed."""

from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from inference.bundle.generation import SCHEMA, Generation
from inference.generate.slots import KNOWN
from inference.tasks.taught import Taught, read_taught
from inference.text.conversion import Conversion, read_conversion
from schemas.errors import Code, LackingError, PatterError

SUMS = "SHA256SUMS"
FILES = ("MODEL_CARD.md", "generation.json", "metrics.json", "model.onnx", "tokenizer.json")
"""What every bundle holds beside SHA256SUMS."""

CONVERSION, TASKS = "conversion.json", "tasks.json"
OPTIONAL = (CONVERSION, TASKS)
"""What a bundle may hold too, and nothing else: the model of predicted conversion (docs/conversion.md), and which typed
tasks it was tuned for (docs/tasks.md)."""

# 13 is where optimum's exporters begin; 23 the newest that the pinned onnxruntime promises to run.
OPSETS = range(13, 24)
_HINT = "make the bundle anew (docs/model.md) or point --bundle at another"


class Bundle(Struct, frozen=True, kw_only=True):
    """A verified bundle. `sha256` is the digest of its SHA256SUMS and so of every byte in it.

    `conversion` is its model of predicted conversion, `taught` what it was tuned for besides copy; None where it has
    none.
    """

    name: str
    sha256: str
    folder: Path
    generation: Generation
    conversion: Conversion | None = None
    taught: Taught | None = None

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"


def starter_dir() -> Path:
    """The bundle that comes with Patter."""
    return Path(__file__).parents[1] / "bundles" / "starter"


def load_bundle(folder: Path) -> Bundle:
    """Verify a bundle and read how to run it.

    Raises LackingError: BUNDLE_MISSING (no folder, or a file is not there), BUNDLE_TAMPERED (a file differs from its
    digest, or a file is there that no digest covers), BUNDLE_INCOMPATIBLE (a field of generation.json, conversion.json
    or tasks.json says that this version of Patter cannot run it).
    """
    sums = _sums(folder)
    for name, digest in sums.items():
        if _file_digest(folder, name) != digest:
            raise _error(Code.BUNDLE_TAMPERED, f"{name} differs from its digest", folder / name)
    # An optional file counts as a part of the bundle where a digest covers it.
    extra = sorted(path.name for path in folder.iterdir() if path.name not in {*FILES, *sums, SUMS})
    if extra:
        raise _error(Code.BUNDLE_TAMPERED, f"{extra[0]} is no part of a bundle", folder / extra[0])
    generation = _generation(folder / "generation.json")
    return Bundle(
        name=generation.name,
        sha256=bundle_digest(folder),
        folder=folder,
        generation=generation,
        conversion=_conversion(folder / CONVERSION) if CONVERSION in sums else None,
        taught=_taught(folder / TASKS) if TASKS in sums else None,
    )


def bundle_digest(folder: Path) -> str:
    """The name of a bundle by its content: SHA-256, in hex, of its SHA256SUMS."""
    return sha256((folder / SUMS).read_bytes()).hexdigest()


def sums_text(folder: Path) -> str:
    """The content of SHA256SUMS for the files of a bundle, in the format of `sha256sum`."""
    held = [*FILES, *(name for name in OPTIONAL if (folder / name).is_file())]
    return "".join(f"{_file_digest(folder, name)}  {name}\n" for name in held)


def take_conversion(folder: Path, path: Path) -> None:
    """Put a model of predicted conversion into a bundle, which has another digest then.

    Raises LackingError as `load_bundle` does, ConfigError where `path` is no such model. The bundle is left as it was.
    """
    load_bundle(folder)
    read_conversion(path)
    (folder / CONVERSION).write_bytes(path.read_bytes())
    (folder / SUMS).write_text(sums_text(folder), "utf-8")


def _sums(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise _error(Code.BUNDLE_MISSING, "there is no bundle", folder)
    path = folder / SUMS
    if not path.is_file():
        raise _error(Code.BUNDLE_MISSING, f"{SUMS} is missing from the bundle", path)
    sums = {}
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if name not in (*FILES, *OPTIONAL) or name in sums or len(digest) != 64:
            raise _error(Code.BUNDLE_TAMPERED, f"line {number} of {SUMS} is not a bundle's", f"{path}:{number}")
        sums[name] = digest
    for name in FILES:
        if name not in sums:
            raise _error(Code.BUNDLE_TAMPERED, f"{SUMS} does not cover {name}", path)
    return sums


def _file_digest(folder: Path, name: str) -> str:
    try:
        return sha256((folder / name).read_bytes()).hexdigest()
    except OSError:
        raise _error(Code.BUNDLE_MISSING, f"{name} is missing from the bundle", folder / name) from None


def _generation(path: Path) -> Generation:
    try:
        generation = msgspec.json.decode(path.read_bytes(), type=Generation)
    except msgspec.DecodeError as error:
        raise _error(Code.BUNDLE_INCOMPATIBLE, f"generation.json does not read: {error}", path) from None
    if generation.schema != SCHEMA:
        what = f"schema is {generation.schema}, this version reads {SCHEMA}"
        raise _error(Code.BUNDLE_INCOMPATIBLE, what, f"{path}:schema")
    if generation.graph.opset not in OPSETS:
        what = f"opset {generation.graph.opset} is outside {OPSETS.start}..{OPSETS.stop - 1}"
        raise _error(Code.BUNDLE_INCOMPATIBLE, what, f"{path}:graph.opset")
    other = sorted(set(generation.slots) ^ set(KNOWN))
    if other:
        what = f"slot {other[0]} is not in both the bundle and this version"
        raise _error(Code.BUNDLE_INCOMPATIBLE, what, f"{path}:slots")
    return generation


def _conversion(path: Path) -> Conversion:
    try:
        return read_conversion(path)
    except PatterError as error:
        raise _error(Code.BUNDLE_INCOMPATIBLE, f"conversion.json: {error.what}", error.where) from None


def _taught(path: Path) -> Taught:
    try:
        return read_taught(path)
    except PatterError as error:
        raise _error(Code.BUNDLE_INCOMPATIBLE, f"tasks.json: {error.what}", error.where) from None


def _error(code: Code, what: str, where: Path | str) -> LackingError:
    return LackingError(code, what, where=str(where), hint=_HINT)
