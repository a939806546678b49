"""What becomes of the time that stands in an action."""

from enum import StrEnum


class Times(StrEnum):
    """Kept as it is, or shifted to the moment at which the action is sent."""

    KEEP = "keep"
    SHIFT = "shift"
