"""What was known of shopper and product: feature rows as the decision needs them and as its record keeps them."""

from collections.abc import Mapping

from msgspec import Raw, Struct

from schemas.ports import FeatureValue, ViewRow

Rows = Mapping[str, Mapping[str, ViewRow]]

_UNREAD = ViewRow("missing", None, 0, b"{}")


class Known(Struct, frozen=True, gc=False):
    """Feature values by view, and three JSON objects for the record: values, states, ages in seconds."""

    values: dict[str, Mapping[str, FeatureValue] | None]
    features: Raw
    states: Raw
    ages: Raw


class ContextReader:
    """Puts rows together. `views` are (name, join key) in the service's order."""

    def __init__(self, views: tuple[tuple[str, str], ...]) -> None:
        self._views = tuple((name, key == "user_id", f'"{name}":'.encode(), f'"{name}":') for name, key in views)
        self._states: dict[tuple[str, ...], Raw] = {}

    def known(self, rows: Rows, user_id: str, product_id: str, now_ms: int) -> Known:
        """Everything that was read for one event."""
        values: dict[str, Mapping[str, FeatureValue] | None] = {}
        features, states, ages = [], [], []
        for name, by_user, label, text in self._views:
            row = rows[name].get(user_id if by_user else product_id, _UNREAD)
            values[name] = row.values
            features.append(label + row.encoded)
            states.append(row.state)
            ages.append(f"{text}{(now_ms - row.event_ms) / 1000:.1f}" if row.event_ms else f"{text}null")
        key = tuple(states)
        encoded = self._states.get(key)
        if encoded is None:
            pairs = ",".join(f'{view[3]}"{state}"' for view, state in zip(self._views, states, strict=True))
            encoded = self._states[key] = Raw(b"{" + pairs.encode() + b"}")
        return Known(
            values,
            Raw(b"{" + b",".join(features) + b"}"),
            encoded,
            Raw(("{" + ",".join(ages) + "}").encode()),
        )
