"""Forgets shoppers and orders that cannot matter any more. It changes no count."""

from streams.collect import ledger, shopper
from streams.collect.source import Source


class Sweep:
    """Finds shoppers and orders of whom nothing is worth remembering, some at a time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._users: list[str] = []
        self._orders: list[str] = []

    def some(self, number: int) -> None:
        """Look at `number` of each; those that go are among what changed."""
        source = self._source
        high_ms = source.counts.high_ms
        self._users = self._users or list(source.shoppers)
        self._orders = self._orders or list(source.orders)
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
