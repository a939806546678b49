"""What copy never says, whatever the brand: insults, sexual and violent words, and anybody's personal data.

Read are a text's own words only. Facts are the shop's, and so is what it calls its products.
"""

import re
from collections.abc import Iterator
from functools import cache

from inference.generate.checks import in_singular
from inference.generate.findings import Finding
from inference.generate.lexicon import words_of
from inference.generate.phrases import Phrases, phrases, words
from inference.generate.slots import SLOT
from schemas.errors import Code

# A slot where the own words are read: no letter, digit or blank, so that "{NAME}@shop.example" is still an address.
_GAP = "\x00"

_MAIL = re.compile(r"[\w.+\x00-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.I)
# The endings that shops use; a list of all would take "now.In" for an address.
_WEB = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w@])(?:[a-z0-9-]+\.)+(?:com|net|org|io|shop|store|co|app|info|biz|de|uk|fr|eu|ly)\b(?:/\S*)?",
    re.I,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_DIGITS = re.compile(r"(?<![\w.])(?:\+|\(\+?)?\d(?:[ ().\-/]{0,2}\d){6,18}(?!\w)")
_STREET = re.compile(
    r"\b\d{1,5}[a-z]?\s+(?:[A-Z][\w'’.-]+\s+){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Way|Place|Pl)\b"
    r"|\b[A-Z]\w+(?:straße|strasse|platz|allee|gasse|weg)\s+\d{1,4}\b"
)
# ISO/IEC 7812: 12 to 19 digits, the last of them a check digit.
_CARD = range(12, 20)


def screened(slot_text: str) -> tuple[Finding, ...]:
    """Toxic words and personal data among the own words of a text."""
    own = SLOT.sub(_GAP, in_singular(slot_text))
    toxic = (Finding(Code.COPY_TOXIC, word) for word in _lexicon().found(words(own)))
    return (*toxic, *(Finding(Code.COPY_PII, what) for what in _personal(own)))


def _personal(own: str) -> Iterator[str]:
    for pattern, what in ((_MAIL, "an e-mail address"), (_WEB, "a web address"), (_STREET, "a street address")):
        if match := pattern.search(own):
            yield f"{what}: {match.group().replace(_GAP, '...')}"
    for match in _IBAN.finditer(own):
        if _is_iban(match.group()):
            yield f"an account number: {match.group()}"
    for match in _DIGITS.finditer(own):
        digits = "".join(filter(str.isdigit, match.group()))
        what = "a card number" if len(digits) in _CARD and _is_card(digits) else "a telephone number"
        yield f"{what}: {match.group()}"


def _is_card(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check of ISO 13616: moved by four and read in base 36 digit by digit, the rest by 97 is 1."""
    bare = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in bare[4:] + bare[:4])) % 97 == 1


@cache
def _lexicon() -> Phrases:
    return phrases(words_of("screen"))
