"""Who is shown the same: shoppers of one segment who have one place in one running experiment."""

from inference.experiment.assignment import Placement

_SEPARATOR = "\x1f"


def menu_name(segment: str, placement: Placement | None) -> str:
    """The name under which a shelf has the menu for these shoppers; the segment alone where no experiment has them."""
    if placement is None:
        return segment
    record = placement.experiment
    arm = "" if placement.arm is None else placement.arm
    return _SEPARATOR.join((segment, record.name, str(record.version), arm))
