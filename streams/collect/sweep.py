"""Forgets shoppers and orders that cannot matter any more. It changes no count."""

from schemas.cells import MINUTE_S, SECOND_MS
from streams.collect import ledger, shopper
from streams.collect.source import Source

# What is forgotten is days old. So a shop whose shoppers all fit into one batch's look is looked through this often, by
# its events' time, and not with every batch.
ROUND_MS = 10 * MINUTE_S * SECOND_MS


class Sweep:
    """Finds shoppers and orders of whom nothing is worth remembering, some at a time, in rounds."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._users: list[str] = []
        self._orders: list[str] = []
        self._due_ms = 0

    def some(self, number: int) -> None:
        """Look at `number` of each; those that go are among what changed."""
        source = self._source
        high_ms = source.counts.high_ms
        if not self._users and not self._orders:
            if high_ms < self._due_ms:
                return
            self._users, self._orders = list(source.shoppers), list(source.orders)
            self._due_ms = high_ms + ROUND_MS
        for user_id in _last(self._users, number):
            data = source.shoppers.get(user_id)
            known = shopper.opened(data)
            source.tidy(known)
            if data is not None and known.is_empty():
                del source.shoppers[user_id]
                source.touched.add(user_id)
        for order_id in _last(self._orders, number):
            if order_id in source.orders and ledger.opened(source.orders[order_id], high_ms) is None:
                del source.orders[order_id]
                source.ordered.add(order_id)


def _last(names: list[str], number: int) -> list[str]:
    taken = names[-number:]
    del names[-number:]
    return taken
