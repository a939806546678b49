"""The Faust Table of cells. Its changelog is the topic that it is made from."""

from typing import Any

import faust

from streams.learn.cells import Value


class CellTable(faust.Table):  # type: ignore[misc]
    """Cell -> counters by source, in memory.

    `patter.partials.v1` is compacted by source and cell, and so already is what Faust would write to a changelog: the
    whole table, record by record. A second log of the same would double what is written, and bring back what has been
    removed since. So nothing is written, and the table is filled by reading partials from the beginning. It is not
    registered with the app, whose recovery would look for a changelog.
    """

    def on_key_set(self, key: Any, value: Any) -> None:
        self._sensor_on_set(self, key, value)

    def on_key_del(self, key: Any) -> None:
        self._sensor_on_del(self, key)

    def forget(self, cell: str) -> Value | None:
        """Take a cell out whose partition is not held any more."""
        found: Value | None = self.data.pop(cell, None)
        return found


def cell_table(app: faust.App) -> CellTable:
    """The table of an app."""
    return CellTable(app, name="learn_cells", store="memory://")
