"""Where the products of a run come from: a file, stdin, the flags, or the demo's shop."""

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from patter.files import FieldMap
from patter.write.products import OneProduct, Read, of_flags, read_products
from schemas.errors import Code, ConfigError

SHOWN_OF_DEMO = 3
"""Who only wants to see what happens is shown so many products of the demo's catalogue."""

_NEEDED = ("name", "category", "price")


class Flags(Struct, frozen=True, kw_only=True):
    """What the flags say of one product; None where a flag was not given."""

    name: str | None = None
    category: str | None = None
    price: str | None = None
    brand: str | None = None
    color: str | None = None
    material: str | None = None
    size: str | None = None
    features: tuple[str, ...] = ()
    off: str | None = None


def products_of(catalog: Path | None, mapping: Sequence[str], flags: Flags) -> Read:
    """The products of a run. Raises ConfigError as `read_products` and `of_flags` do, and for flags that do not go
    together.
    """
    given = {name: value for name, value in asdict(flags).items() if value}
    if catalog is not None:
        if given:
            raise _usage(f"--catalog and --{next(iter(given))} do not go together", "give a file or one product")
        return read_products(catalog, FieldMap.parse(mapping))
    if given:
        missing = [f"--{name}" for name in _NEEDED if name not in given]
        if missing:
            raise _usage(
                f"one product needs {' and '.join(missing)}", 'as in --name Kettle --category kitchen --price "39 USD"'
            )
        return Read([of_flags(OneProduct(**given))], [])
    with as_file(files("patter.demo").joinpath("catalogue.jsonl")) as path:
        return read_products(path, FieldMap())


def _usage(what: str, hint: str) -> ConfigError:
    return ConfigError(Code.USAGE, what, where="patter write", hint=hint)
