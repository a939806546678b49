"""Reading through Feast: `online_read` of any online store, and the public call where views are computed or aliased."""

from datetime import UTC, datetime, timedelta
from typing import Any

from features.store.keys import key_message
from features.store.opening import provider_of
from features.store.paths import Found, Wanted, ordered
from features.store.plan import ViewPlan
from features.store.values import normalise, plain

# More keys in one call are not cheaper a row, and their protobuf messages only feed the garbage collector.
CHUNK = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class OnlineReadPath:
    """`online_read` of Feast's provider, which every online store implements: 2-3 times the public call's speed."""

    name = "online_read"

    def __init__(self, store: Any) -> None:
        self._config = store.config
        self._provider = provider_of(store)

    def read(self, wanted: Wanted) -> list[Found]:
        found = []
        for plan, ids in wanted:
            rows: Found = {}
            for start in range(0, len(ids), CHUNK):
                self._chunk(plan, ids[start : start + CHUNK], rows)
            found.append(rows)
        return found

    def _chunk(self, plan: ViewPlan, ids: Any, rows: Found) -> None:
        messages = {key: message for key in ids if (message := key_message(plan, key)) is not None}
        if not messages:
            return
        # A fresh list of names: Feast's Redis store appends to the one that it is given.
        answers = self._provider.online_read(self._config, plan.view, list(messages.values()), list(plan.types))
        for key, (event_time, values) in zip(messages, answers, strict=True):
            # Redis answers an absent entity with null values and the epoch as its time.
            if values and event_time is not None and (event_ms := _ms(event_time)) > 0:
                rows[key] = event_ms, ordered(plan, {name: plain(value) for name, value in values.items()})

    def close(self) -> None:
        """Nothing to give back: the store belongs to whoever opened it."""


class PublicPath:
    """`get_online_features`: slower, but the only one that computes on-demand views and resolves aliases."""

    name = "get_online_features"

    def __init__(self, store: Any, service: Any, plans: tuple[ViewPlan, ...]) -> None:
        self._store, self._service, self._plans = store, service, plans
        self._keys = {plan.join_key: plan for plan in plans}
        # Feast drops what an on-demand view in Python mode computes where names carry their view's name; so they do
        # only where they clash without it.
        names = [*self._keys, *(name for plan in plans for name in plan.types)]
        self._full = len(names) != len(set(names))

    def read(self, wanted: Wanted) -> list[Found]:
        asked: dict[str, dict[str, None]] = {key: {} for key in self._keys}
        for plan, ids in wanted:
            asked[plan.join_key].update(dict.fromkeys(key for key in ids if key_message(plan, key) is not None))
        count = max(map(len, asked.values()))
        if not count:
            return [{} for _ in wanted]
        # The call wants every join key of the service, and columns of one length: the shorter ones are filled up.
        columns = {key: _filled(list(ids), count, self._keys[key].key_type) for key, ids in asked.items()}
        answer = self._store.get_online_features(
            features=self._service, entity_rows=columns, full_feature_names=self._full
        ).to_dict(include_event_timestamps=True)
        return [self._rows(plan, ids, list(asked[plan.join_key]), answer) for plan, ids in wanted]

    def _rows(self, plan: ViewPlan, ids: Any, order: list[str], answer: dict[str, list[Any]]) -> Found:
        place = {key: number for number, key in enumerate(order)}
        prefix = f"{plan.name}__" if self._full else ""
        lost = [name for name in plan.types if prefix + name not in answer]
        if lost:
            raise LookupError(f"Feast leaves out {plan.name}:{lost[0]}; give features names that are in one view only")
        columns = {name: answer[prefix + name] for name in plan.types}
        times = [answer.get(f"{prefix}{name}__ts") for name in plan.types]
        rows: Found = {}
        for key in ids:
            at = place.get(key)
            if at is None:
                continue
            values = {name: normalise(column[at]) for name, column in columns.items()}
            seconds = max((times_of[at] for times_of in times if times_of), default=0)
            # A computed view has no time of its own: it is there as soon as one of its values is.
            if seconds > 0 or (plan.computed and any(value is not None for value in values.values())):
                rows[key] = (0 if plan.computed else int(seconds * 1000)), values
        return rows

    def close(self) -> None:
        """Nothing to give back: the store belongs to whoever opened it."""


def _ms(moment: datetime) -> int:
    # In whole numbers: a float of seconds is off by one millisecond now and then.
    return (moment - _EPOCH) // _MILLISECOND


def _filled(ids: list[str], count: int, key_type: str) -> list[Any]:
    filler: str = ids[0] if ids else "0"
    values = ids + [filler] * (count - len(ids))
    return values if key_type == "STRING" else [int(value) for value in values]
