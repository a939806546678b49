"""The files that users bring: catalogue, shoppers, events; CSV with a header or JSON lines, gzipped or not."""

from patter.files.columns import FieldMap
from patter.files.events import EventLine, EventsFound, Reading, check_events, newest_time_ms, read_events
from patter.files.products import read_catalogue
from patter.files.shoppers import Profile, read_shoppers

__all__ = [
    "EventLine",
    "EventsFound",
    "FieldMap",
    "Profile",
    "Reading",
    "check_events",
    "newest_time_ms",
    "read_catalogue",
    "read_events",
    "read_shoppers",
]
