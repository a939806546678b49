"""The short way to rows in Feast's Redis online store: one round trip for all views, commands packed once.

Feast keeps one hash for each entity key, holding the features of all views under a murmur3 hash of `view:feature` and
each view's event time under `_ts:view`. All views that are wanted of an entity are read with one HMGET.
"""

from collections.abc import Callable, Sequence
from typing import Any

from features.store.keys import key_encoder
from features.store.opening import provider_of
from features.store.paths import Found, Wanted
from features.store.plan import ViewPlan
from features.store.values import MEMO_ENTRIES, memoised_decoder

# Commands a round trip: beyond this the reply waits in the server's buffers longer than the wire needs it.
CHUNK = 512


class RedisPath:
    """Reads through Feast's own client (its TLS, credentials and time limits), without its cost for each command."""

    name = "redis"

    def __init__(self, store: Any, plans: tuple[ViewPlan, ...]) -> None:
        self._pool = redis_client(store).connection_pool
        self._project = store.config.project.encode()
        self._encode = {plan.name: key_encoder(plan) for plan in plans}
        self._fields = {plan.name: _fields(plan) for plan in plans}
        self._decode = memoised_decoder()
        self._times: dict[bytes, int] = {}

    def read(self, wanted: Wanted) -> list[Found]:
        found: list[Found] = [{} for _ in wanted]
        # Entities of which the same views are wanted share the fields of their HMGET.
        views_of: dict[tuple[str, str], list[int]] = {}
        for number, (plan, ids) in enumerate(wanted):
            stored = f"{plan.join_key}\0{plan.stored_key}\0{plan.key_type}"
            for key in ids:
                views_of.setdefault((stored, key), []).append(number)
        groups: dict[tuple[int, ...], list[str]] = {}
        for (_, key), numbers in views_of.items():
            groups.setdefault(tuple(numbers), []).append(key)
        for together, alike in groups.items():
            views = [(wanted[number][0], found[number]) for number in together]
            for start in range(0, len(alike), CHUNK):
                self._group(views, alike[start : start + CHUNK])
        return found

    def _group(self, views: list[tuple[ViewPlan, Found]], ids: Sequence[str]) -> None:
        fields = [field for plan, _ in views for field in self._fields[plan.name]]
        head = b"*%d\r\n$5\r\nHMGET\r\n" % (len(fields) + 2)
        tail = b"\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(field), field) for field in fields)
        encode, project = self._encode[views[0][0].name], self._project
        keys, commands = [], []
        for key in ids:
            raw = encode(key)
            if raw is not None:
                raw += project
                keys.append(key)
                commands.append(b"%s$%d\r\n%s%s" % (head, len(raw), raw, tail))
        if not keys:
            return
        replies = self._exchange(b"".join(commands), len(keys))
        start = 0
        for plan, rows in views:
            self._rows(plan, rows, keys, replies, start)
            start += len(plan.types) + 1

    def _exchange(self, command: bytes, count: int) -> list[list[bytes | None]]:
        connection = self._pool.get_connection()
        try:
            connection.send_packed_command([command])
            read: Callable[..., Any] = connection.read_response
            return [read(disable_decoding=True) for _ in range(count)]
        except BaseException:
            # Replies that were not read must not answer the next command.
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    def _rows(
        self, plan: ViewPlan, rows: Found, keys: list[str], replies: list[list[bytes | None]], start: int
    ) -> None:
        names = tuple(plan.types)
        end = start + len(names)
        decode = self._decode
        for key, reply in zip(keys, replies, strict=True):
            stamp = reply[end]
            if stamp is None:
                continue
            event_ms = self._times.get(stamp)
            if event_ms is None:
                event_ms = self._event_ms(stamp)
            if event_ms > 0:
                values = {
                    name: None if raw is None else decode(raw)
                    for name, raw in zip(names, reply[start:end], strict=True)
                }
                rows[key] = event_ms, values

    def _event_ms(self, stamp: bytes) -> int:
        from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

        if len(self._times) >= MEMO_ENTRIES:
            self._times.clear()
        moment = Timestamp.FromString(stamp)
        # Rounded to microseconds first, as Feast's datetimes are.
        event_ms: int = moment.seconds * 1000 + round(moment.nanos / 1000) // 1000
        self._times[stamp] = event_ms
        return event_ms

    def close(self) -> None:
        self._pool.disconnect()


def redis_client(store: Any) -> Any:
    """Feast's own Redis client of a store."""
    return provider_of(store).online_store._get_client(store.config.online_store)  # noqa: SLF001


def redis_fits(store: Any) -> bool:
    """Whether one connection sees all keys: no cluster, and Feast's usual client."""
    online = store.config.online_store
    return getattr(online, "redis_type", None) in ("redis", "redis_sentinel") and (
        getattr(online, "client", "redis") == "redis"
    )


def _fields(plan: ViewPlan) -> tuple[bytes, ...]:
    # Feast's own hash; that its result is still what the store holds is what the self-check is for.
    from feast.infra.online_stores.helpers import _mmh3

    name = plan.view.name
    return (*(_mmh3(f"{name}:{feature}") for feature in plan.types), b"_ts:" + name.encode())
