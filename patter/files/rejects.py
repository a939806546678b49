"""What is said about an event that will not decode: the decoder's words, the place, and what to do about it."""

from pathlib import Path

from patter.files.columns import Columns
from patter.files.faults import invalid
from schemas.decode import Rejection
from schemas.errors import Code, ConfigError
from schemas.events import KINDS

_RAW = "mend the line, or send the file as it is with `--raw`"
_TIME = "write 2026-05-01T12:00:00Z; times as numbers are read with `--map events.time=COLUMN`"
_HINTS = {
    Code.UNDECODABLE: f"one JSON object a line is read; {_RAW}",
    Code.NOT_AN_OBJECT: f"one JSON object a line is read; {_RAW}",
    Code.UNKNOWN_KIND: f"the kinds are {', '.join(KINDS)}; for a file of one kind `--map kind==product_viewed`",
    Code.TIME_INVALID: _TIME,
    Code.TIME_ABSURD: "`--rebase-times` moves the times of a file so that the newest is now; at most 30 days are kept",
}


def refused(rejection: Rejection, columns: Columns, path: Path, line: int) -> ConfigError:
    """The error for one line of a file of events."""
    field = columns.column(rejection.field) if rejection.field in columns.names else rejection.field
    hint = (
        _TIME if rejection.field == "time" and rejection.code is Code.WRONG_TYPE else _HINTS.get(rejection.code, _RAW)
    )
    if rejection.code in (Code.MISSING_FIELD, Code.UNKNOWN_KIND) and "missing" in rejection.detail:
        hint = f"try `--map {rejection.field}=COLUMN` if it has another name; {_RAW}"
    return invalid(f"{rejection.code.value}: {rejection.detail}", path, line, field, hint)
