"""What a shopper did lately, for Feast's user_activity: approximate to ten minutes, and told as absolute values."""

from schemas.cells import DAY_MS, HOUR_MS, MINUTE_S, SECOND_MS
from streams.collect.shopper import Shopper

# Six slots an hour: a count of the last hour is at most ten minutes too old, and a shopper who came once takes one.
SLOT_MS = 10 * MINUTE_S * SECOND_MS
KINDS = ("views", "carts", "impressions", "clicks")
_DAY_SLOTS = DAY_MS // SLOT_MS
_HOUR_SLOTS = HOUR_MS // SLOT_MS
_ORDER_DAYS = 30
_SLOT, _VIEWS, _CARTS, _IMPRESSIONS, _CLICKS = range(5)


def note(shopper: Shopper, kind: str, event_ms: int) -> None:
    """Take note of an event of one of `KINDS`."""
    slot = event_ms // SLOT_MS
    for entry in shopper.slots:
        if entry[_SLOT] == slot:
            break
    else:
        entry = [slot, 0, 0, 0, 0]
        shopper.slots.append(entry)
    entry[1 + KINDS.index(kind)] += 1


def note_order(shopper: Shopper, event_ms: int) -> None:
    """Take note of an order."""
    day = event_ms // DAY_MS
    for entry in shopper.order_days:
        if entry[0] == day:
            entry[1] += 1
            return
    shopper.order_days.append([day, 1])


def forget(shopper: Shopper, high_ms: int) -> None:
    """Drop what lies too far back to be told."""
    oldest, oldest_day = high_ms // SLOT_MS - _DAY_SLOTS, high_ms // DAY_MS - _ORDER_DAYS
    if any(entry[_SLOT] <= oldest for entry in shopper.slots):
        shopper.slots = [entry for entry in shopper.slots if entry[_SLOT] > oldest]
    if any(entry[0] <= oldest_day for entry in shopper.order_days):
        shopper.order_days = [entry for entry in shopper.order_days if entry[0] > oldest_day]


def row(user_id: str, shopper: Shopper, high_ms: int) -> dict[str, object]:
    """The shopper's row of user_activity."""
    hour_ago = high_ms // SLOT_MS - _HOUR_SLOTS
    day = [sum(entry[at] for entry in shopper.slots) for at in (_VIEWS, _CARTS, _IMPRESSIONS, _CLICKS)]
    return {
        "user_id": user_id,
        "views_1h": sum(entry[_VIEWS] for entry in shopper.slots if entry[_SLOT] > hour_ago),
        "views_24h": day[0],
        "carts_24h": day[1],
        "impressions_24h": day[2],
        "clicks_24h": day[3],
        "orders_30d": sum(entry[1] for entry in shopper.order_days),
        "last_category": shopper.category,
    }
