"""The 32-bit codes in tokens, and the names that stand behind them on `patter.codes.v1`.

Two names with one code would credit one product's click to another, so a collision stops the writer.
"""

from collections.abc import Mapping

from schemas.errors import Code, PatterError
from schemas.token import CodeName, code_of


class Codes:
    """Codes by name; `fresh` are those that no committed record has named yet, also after a batch was rolled back."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._codes: dict[str, int] = {}
        self._fresh: dict[int, CodeName] = {}

    def of(self, kind: str, name: str) -> int:
        """The code of a name. Raises PatterError (code_collision) where another name has it."""
        found = self._codes.get(name)
        if found is not None:
            return found
        code = code_of(name)
        fresh = self._fresh.get(code)
        other = fresh.name if fresh is not None else self._names.get(code)
        if other is None:
            self._fresh[code] = CodeName(code, kind, name)
        elif other != name:
            raise PatterError(
                Code.CODE_COLLISION,
                f"{name!r} and {other!r} have the same code {code:08x}",
                where=kind,
                hint="rename one of them",
            )
        elif fresh is None:
            self._codes[name] = code
        return code

    def fresh(self) -> tuple[CodeName, ...]:
        """Names that the batch has to publish."""
        return tuple(self._fresh.values())

    def commit(self) -> None:
        """The fresh names stand on the topic."""
        self._codes.update({entry.name: entry.code for entry in self._fresh.values()})
        self._fresh = {}
