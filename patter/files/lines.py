"""Lines of a file: opened, unpacked, decoded and numbered; never more than one of them in memory."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from patter.files.faults import invalid
from schemas.errors import Code, ConfigError

# The largest record that the input topic takes is 4 MiB; as escaped text in a dump it is at most six times that.
MAX_LINE_BYTES = 32 * 1_048_576
BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
ONE_OBJECT = "one JSON object a line is read; from a JSON array make them with `jq -c '.[]' FILE`"


def byte_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of every line without its line feed; everything else is left as it is.

    Raises ConfigError: file_missing where the file cannot be read, file_invalid where its compression is damaged or a
    line is longer than 32 MiB.
    """
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                bare = line.removesuffix(b"\n")
                if len(bare) > MAX_LINE_BYTES:
                    raise invalid(f"the line is longer than {MAX_LINE_BYTES} bytes", path, number, hint=ONE_OBJECT)
                yield number, bare
    except FileNotFoundError:
        raise ConfigError(Code.FILE_MISSING, "no such file", where=str(path), hint="check the path") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        hint = "a name that ends in .gz stands for a gzip file; pack it again, or rename it"
        raise invalid(f"the gzip data is damaged: {error}", path, number + 1, hint=hint) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(Code.FILE_MISSING, f"the file cannot be read: {reason}", where=str(path)) from None


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.name.endswith(".gz") else path.open("rb")


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line, in UTF-8, without line ends and byte order mark."""
    for number, line in byte_lines(path):
        data = line.removeprefix(BOM) if number == 1 else line
        if number == 1 and data.startswith(_UTF16):
            raise invalid("the file is UTF-16", path, 1, hint="save it as UTF-8")
        try:
            yield number, data.decode().removesuffix("\r")
        except UnicodeDecodeError as error:
            what = f"byte {error.start + 1} of the line (0x{data[error.start]:02x}) is not UTF-8"
            hint = "save the file as UTF-8, such as with `iconv -f latin1 -t utf-8`"
            if number == 1 and data.startswith(b"\x1f\x8b"):
                hint = "it looks gzipped: give it a name that ends in .gz"
            raise invalid(what, path, number, hint=hint) from None
