"""Arms of past tests of copy: what was shown, to how many, and how many clicked."""

from msgspec import Struct


class Arm(Struct, frozen=True, kw_only=True):
    """One text as one test showed it. Arms of a test compare where `image` is the same too.

    `group` joins tests that share a story, a product or a text: no split may part them. `excluded` marks arms of tests
    that were not properly randomised.
    """

    test: str
    group: str
    text: str
    impressions: int
    clicks: int
    image: str = ""
    segment: str = "any"
    excluded: bool = False
