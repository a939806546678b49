"""How long a text may be in each channel, in characters with its slots filled."""

LIMITS = {
    # What a phone shows of a notification before it is opened; the operating systems cut between 110 and 180.
    "push": 120,
    # A mail's subject on a phone in portrait.
    "email_subject": 60,
    "banner": 90,
    # One GSM-7 message is 160 characters; a text past that is billed as two.
    "sms": 160,
}
