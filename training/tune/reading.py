"""The examples of a run: read, sifted, and the rows that are left out told and kept."""

from pathlib import Path

import msgspec
from rich.console import Console

from schemas.approved import ApprovedCopy, RejectedRow
from schemas.errors import Code, ConfigError
from training.tune.sift import STAGE, Sifted, reasons, sift

# A screenful; the file holds all of them.
_SHOWN_REASONS = 20


def read(examples: Path, out: Path, seed: int, console: Console) -> Sifted:
    """The rows to learn from; those that are not are told, and kept in rejected.jsonl."""
    copies = []
    for number, line in enumerate(examples.read_bytes().splitlines(), start=1):
        try:
            copies.append(msgspec.json.decode(line, type=ApprovedCopy))
        except msgspec.DecodeError as error:
            place = f"{examples}:{number}"
            hint = "`patter train` makes these lines of a file of yours"
            raise ConfigError(Code.FILE_INVALID, f"no example: {error}", where=place, hint=hint) from None
    path, decoder = out / "rejected.jsonl", msgspec.json.Decoder(RejectedRow)
    earlier = [decoder.decode(line) for line in path.read_bytes().splitlines()] if path.is_file() else []
    sifted = sift(copies, seed)
    rejected = [row for row in earlier if row.stage != STAGE] + sifted.rejected
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rejected))
    for shown, reason in enumerate(reasons(rejected)):
        if shown == _SHOWN_REASONS:
            console.print(f"... and {len(rejected) - shown} more, all of them in {path}", highlight=False)
            break
        console.print(reason, highlight=False, markup=False)
    if not sifted.rows:
        raise ConfigError(
            Code.FILE_INVALID, "no row does to learn from", where=str(path), hint="its reasons stand there, row by row"
        )
    filled = ", ".join(f"{slot} {count}" for slot, count in sifted.slots.items())
    console.print(f"facts that became slots: {filled or 'none'}", highlight=False)
    return Sifted(sifted.rows, rejected, sifted.slots)
