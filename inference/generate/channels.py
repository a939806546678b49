"""How long a text may be in each channel, in characters with its slots filled, and what stands beside it there."""

LIMITS = {
    # What a phone shows of a notification before it is opened; the operating systems cut between 110 and 180.
    "push": 120,
    # The bold line above it, on the narrowest phones that are still common.
    "push_title": 40,
    # A mail's subject on a phone in portrait.
    "email_subject": 60,
    "banner": 90,
    # One GSM-7 message is 160 characters; a text past that is billed as two.
    "sms": 160,
    # Responsive search ads: a headline and a description as the large ad platforms take them.
    "ad_headline": 30,
    "ad_description": 90,
    # The paragraph beside a product's picture.
    "description": 400,
}

HEADLINES = frozenset({"push_title", "email_subject", "ad_headline", "banner"})
"""Where a text needs no full stop."""

NAMED_ELSEWHERE = frozenset({"push_title", "ad_headline"})
"""Where a body that names the product stands right beside the text."""
