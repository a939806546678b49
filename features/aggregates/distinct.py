"""How many different ones there were, in four kilobytes: HyperLogLog of Apache DataSketches.

Flajolet, Fusy, Gandouet and Meunier 2007, "HyperLogLog: the analysis of a near-optimal cardinality estimation
algorithm". Read through a union, so that the estimate is a function of the set alone, and of no order.
"""

from collections.abc import Callable, Iterable
from typing import Any

import datasketches
from msgspec import Struct

# 8,192 registers of 4 bits: a standard error of 1.15 %, so that two days that differ by 5 % can be told apart, for
# 4 KB at most. Half of it would take one register bit in four more to say.
LG = 13
RELATIVE_ERROR = 1.04 / 2 ** (LG / 2)
"""One standard error of a union's estimate, as a share of it (Flajolet et al. 2007, theorem 1)."""
# Two standard errors: 95 %.
DEVIATIONS = 2
# DataSketches' serial format: the first byte is the number of 4-byte words before the content.
_WORD = 4
_MODE, _COUPONS_AT_MOST = 7, 1


class Estimate(Struct, frozen=True):
    """A number of different ones, with a 95 % interval."""

    value: int
    low: int
    high: int


class Distinct:
    """The different numbers that were added. `add` takes an integer of 64 bits."""

    def __init__(self, data: bytes | None = None) -> None:
        """A new one, or the one that `data` gave. Raises ValueError where these bytes are none."""
        if data is None:
            self._sketch = datasketches.hll_sketch(LG, datasketches.HLL_4)
        else:
            try:
                self._sketch = datasketches.hll_sketch.deserialize(data)
            except (RuntimeError, ValueError, IndexError) as error:
                raise ValueError(f"no HLL sketch: {error}") from error
            if self._sketch.lg_config_k != LG:
                raise ValueError(f"an HLL sketch of lg {self._sketch.lg_config_k}, not {LG}")
        self.add: Callable[[int], None] = self._sketch.update

    def data(self) -> bytes:
        """As bytes, at most some 4 KB. They depend on the order in which numbers came: compare `content`."""
        return bytes(self._sketch.serialize_compact())

    def content(self) -> bytes:
        """What it knows, whatever the order in which it came to know it: the same for the same set of numbers."""
        union = _union([self])
        data = bytes(union.get_result(datasketches.HLL_8).serialize_compact())
        content = data[data[0] * _WORD :]
        if data[_MODE] & 3 > _COUPONS_AT_MOST:
            return content
        return b"".join(sorted(content[at : at + _WORD] for at in range(0, len(content), _WORD)))

    def estimate(self) -> Estimate:
        """How many different ones it has seen."""
        return united([self])

    def quick(self) -> float:
        """How many, without an interval, and by the order of arrival a little different (the HIP estimator)."""
        return float(self._sketch.get_estimate())


def united(parts: Iterable[Distinct]) -> Estimate:
    """How many different ones there are in all of them; what several have seen counts once."""
    union = _union(parts)
    low, high = union.get_lower_bound(DEVIATIONS), union.get_upper_bound(DEVIATIONS)
    return Estimate(round(union.get_estimate()), round(low), round(high))


def _union(parts: Iterable[Distinct]) -> Any:
    union = datasketches.hll_union(LG)
    for part in parts:
        # The first one brings its own estimate along, which is one of its order; the second time it is a merge.
        for _ in range(2):
            union.update(part._sketch)  # noqa: SLF001 - one of its own kind
    return union
