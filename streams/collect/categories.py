"""The category of each product, from the catalogue: what a shopper's last look was at."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from streams.broadcast.reader import BroadcastReader
from streams.kafka.config import KafkaOptions


class _Product(Struct):
    category: str


_product = msgspec.json.Decoder(_Product)


class Categories:
    """Follows the catalogue. Changes only in `swap`, between batches."""

    def __init__(self, options: KafkaOptions, topic: str, now_ms: Callable[[], int]) -> None:
        self._reader = BroadcastReader(options, [topic], now_ms)
        self._categories: dict[str, str] = {}
        self._reader.start()

    def of(self, product_id: str) -> str | None:
        """The product's category; None where it is not known."""
        return self._categories.get(product_id)

    def swap(self) -> None:
        """Take what has arrived."""
        for record in self._reader.drain():
            if record.key is not None:
                self._take(record.key.decode("utf-8", "replace"), record.value)

    def _take(self, product_id: str, value: bytes | None) -> None:
        if not value:
            self._categories.pop(product_id, None)
            return
        try:
            self._categories[product_id] = _product.decode(value).category
        except msgspec.DecodeError:
            # serve counts and names products that do not decode.
            self._categories.pop(product_id, None)

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()
