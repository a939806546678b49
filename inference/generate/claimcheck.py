"""The last line of defence: a text as a shopper would read it, against the product's record.

It knows nothing of slots and masks. Whatever went wrong before it, a number, a colour, a material, a property or a
claim that stands in no column of the record does not pass.
"""

import re
from collections.abc import Iterator
from functools import cache

from inference.generate.findings import Finding
from inference.generate.lexicon import backed_words
from inference.generate.phrases import Phrases, phrases, words
from inference.generate.record import Record, figures, readings
from schemas.errors import Code

_AMOUNT = r"\d+(?:[.,'’]\d+)*"
_MONEY = re.compile(rf"(?P<before>[$€£¥₹₩])\s?(?P<a>{_AMOUNT})|(?P<b>{_AMOUNT})\s?(?P<after>[$€£¥₹₩])(?!\s?\d)")
_SHARE = re.compile(rf"(?P<share>{_AMOUNT})\s?(?:%|percent\b|per cent\b)", re.I)
# Digits that are no decimal digits, and signs that make a number of what stands beside them.
_ODD = re.compile(r"[²³¹½¼¾⅓⅔⅛‰]")


def unbacked(shown: str, record: Record) -> tuple[Finding, ...]:
    """What a rendered text states and its product's record does not, in the text's order within each kind."""
    return tuple(Finding(Code.COPY_UNBACKED, what) for what in (*_figures(shown, record), *_words(shown, record)))


def _figures(shown: str, record: Record) -> Iterator[str]:
    def money(match: re.Match[str]) -> str:
        sign, amount = match["before"] or match["after"], match["a"] or match["b"]
        priced = record.price in readings(amount) and sign in record.price_text
        if not priced and not _stands(match.group(), record):
            wrong.append(match.group())
        return " "

    def share(match: re.Match[str]) -> str:
        discounted = record.discount is not None and record.discount in readings(match["share"])
        if not discounted and not _stands(f"{match['share']}%", record):
            wrong.append(match.group())
        return " "

    wrong: list[str] = []
    rest = _SHARE.sub(share, _MONEY.sub(money, shown))
    yield from wrong
    for token in figures(rest):
        if token not in record.tokens and not all(_backed(part, record) for part in re.split(r"[-/:]", token)):
            yield token
    yield from (sign for sign in _ODD.findall(rest) if sign not in record.squeezed)


def _backed(part: str, record: Record) -> bool:
    """Whether a part of a token holds no digit, stands in the record as it is, or is a number of equal value."""
    plain = not any(map(str.isdigit, part))
    return plain or part in record.tokens or bool(readings(part) & record.numbers)


def _words(shown: str, record: Record) -> Iterator[str]:
    for phrase in dict.fromkeys(_lexicon().found(words(shown))):
        if not record.says(phrase.split(" ")):
            yield phrase


@cache
def _lexicon() -> Phrases:
    return phrases(backed_words())


def _stands(figure: str, record: Record) -> bool:
    """Whether a figure with its sign stands in the record as it is, and not as the end of a longer one."""
    bare = re.sub(r"\s+", "", figure).casefold()
    return re.search(rf"(?<![\d.,]){re.escape(bare)}(?!\d)", record.squeezed) is not None
