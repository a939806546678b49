"""Cells by number, in the order in which they were first seen, so many and no more: the rest is `other`."""

from collections.abc import Iterator

from schemas.cells import OTHERS, ArmCell

NOWHERE = -1
"""In place of a number: no cell."""


class Numbered:
    """Arm cells, or copy cells, of one source. Which of them are new is known until the next `settle`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.cells: list[ArmCell] = []
        self._numbers: dict[ArmCell, int] = {}
        self._fresh = 0

    def number_of(self, cell: ArmCell) -> int:
        """The number of a cell; past the limit that of `other`."""
        number = self._numbers.get(cell)
        if number is None:
            if cell != OTHERS and len(self.cells) - (OTHERS in self._numbers) >= self._limit:
                return self.number_of(OTHERS)
            number = self._numbers[cell] = len(self.cells)
            self.cells.append(cell)
            self._fresh += 1
        return number

    def fresh(self) -> Iterator[tuple[int, ArmCell]]:
        """Those that came since the last `settle`, with their numbers."""
        for number in range(len(self.cells) - self._fresh, len(self.cells)):
            yield number, self.cells[number]

    def settle(self) -> None:
        """What is new is written down."""
        self._fresh = 0

    def restore(self, number: int, cell: ArmCell) -> None:
        """Put a cell back. In the order of their numbers; raises ValueError where one is missing."""
        if number != len(self.cells):
            raise ValueError(f"cell {number} after {len(self.cells)}")
        self.cells.append(cell)
        self._numbers[cell] = number
