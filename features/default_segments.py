"""The segment rules that fit Patter's own views, for shops that bring none.

A shop's own `segment_hint` goes first where it names one of these segments: whoever exports shoppers may know better.
The numbers are starting points: a year's four orders or one in ninety days is loyal in most retail, sixty days
without an order is past the usual gap between two, and 150.00 an order is well above a common basket.
"""

from features.segments import Condition, SegmentRule, SegmentTable

_HINTED = ("bargain_hunter", "loyal", "big_spender", "lapsed")

DEFAULT_TABLE = SegmentTable(
    version="default-1",
    rules=[
        *(SegmentRule(name, all=[Condition("user_profile:segment_hint", "==", name)]) for name in _HINTED),
        SegmentRule("lapsed", all=[Condition("user_profile:days_since_order", ">=", 60)]),
        SegmentRule(
            "bargain_hunter",
            all=[
                Condition("user_profile:discount_share", ">=", 0.5),
                Condition("user_profile:orders_90d", ">=", 1),
            ],
        ),
        SegmentRule("big_spender", all=[Condition("user_profile:avg_order_minor", ">=", 15_000)]),
        SegmentRule(
            "loyal",
            any=[
                Condition("user_profile:orders_90d", ">=", 4),
                Condition("user_profile:loyalty_tier", "in", ["gold", "platinum"]),
            ],
        ),
    ],
    default="regular",
    unknown="new",
)
