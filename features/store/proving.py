"""A fast path is used only once it has given the generic path's answer on rows of this very store."""

import logging

from features.store.paths import Found, ReadPath, Wanted

_LOG = logging.getLogger("patter.features")

# A writer between the two reads makes them differ too; a path that is really wrong differs every time.
TRIES = 3


class ProvenPath:
    """Answers with the generic path until it and the fast one have agreed on a read that found rows.

    Afterwards the fast path answers, except where it fails on a row that it does not understand: such a read, and all
    after it, are the generic path's.
    """

    def __init__(self, generic: ReadPath, fast: ReadPath) -> None:
        self._generic = generic
        self._fast: ReadPath | None = fast
        self._proven = False
        self._tries = TRIES

    @property
    def name(self) -> str:
        """The path that answers now."""
        return self._fast.name if self._proven and self._fast is not None else self._generic.name

    def read(self, wanted: Wanted) -> list[Found]:
        fast = self._fast
        if fast is None:
            return self._generic.read(wanted)
        if self._proven:
            try:
                return fast.read(wanted)
            except (LookupError, TypeError, ValueError) as error:
                self._give_up(f"it fails on a row: {error!r}")
                return self._generic.read(wanted)
        expected = self._generic.read(wanted)
        if any(expected):
            self._compare(fast, wanted, expected)
        return expected

    def _compare(self, fast: ReadPath, wanted: Wanted, expected: list[Found]) -> None:
        try:
            self._proven = fast.read(wanted) == expected
            why = "it answers otherwise"
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the generic path has the answer
            why = f"it fails: {error!r}"
        if not self._proven:
            self._tries -= 1
            if not self._tries:
                self._give_up(why)

    def _give_up(self, why: str) -> None:
        if self._fast is not None:
            _LOG.warning("the fast way to read features (%s) is off, %s", self._fast.name, why)
            self._fast.close()
            self._fast = None
            self._proven = False

    def close(self) -> None:
        if self._fast is not None:
            self._fast.close()
        self._generic.close()
