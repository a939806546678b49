"""Numbers and prices as people write them. What can be read in two ways is refused: a price off by a thousand is worse
than an error."""

import re

from schemas.money import exponent, to_minor

# A sign and the currencies that write it; alone it stands for the first.
_SIGNS: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "BRL", "TWD"),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₩": ("KRW",),
}
_CODE = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"[-+]?[0-9][0-9.,' ]*|[-+]?[.,][0-9]+")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\1[0-9]{3})*")
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})


def plain_number(text: str, *, decimals: int | None = None) -> str:
    """`1.234,56`, `1,234.56`, `1 234,56` or `19,9` as Python writes it. `decimals`: digits that an amount of it has.

    Raises ValueError where it is no number, or could be two.
    """
    clean = text.translate(_SPACES).strip()
    sign, digits = ("-", clean[1:]) if clean[:1] == "-" else ("", clean.removeprefix("+"))
    if not _AMOUNT.fullmatch(clean):
        raise ValueError(f"{text!r} is no number")
    point = max(digits.rfind("."), digits.rfind(","))
    mark = digits[point] if point >= 0 else ""
    whole, fraction = (digits[:point], digits[point + 1 :]) if mark else (digits, "")
    if mark and digits.count(mark) > 1:
        # A mark that repeats separates thousands.
        whole, fraction = digits, ""
    elif len(fraction) == 3 and whole.isdigit() and len(whole) <= 3 and whole.strip("0"):
        if decimals == 0:
            whole, fraction = digits, ""
        elif mark == "," or decimals not in (None, 3):
            both = f"{whole + fraction} or {whole}.{fraction}"
            raise ValueError(f"{text!r} may be {both}; write it without thousands separators")
    if whole and not whole.isdigit():
        if not _GROUPED.fullmatch(whole):
            raise ValueError(f"{text!r} is no number")
        whole = re.sub(r"\D", "", whole)
    if fraction and not fraction.isdigit():
        raise ValueError(f"{text!r} is no number")
    return f"{sign}{whole or '0'}.{fraction}" if fraction else f"{sign}{whole}"


def currency_code(value: object) -> str:
    """An ISO 4217 code in capitals, or the one that a sign stands for. Raises ValueError."""
    code = str(value).strip().upper()
    if code in _SIGNS:
        return _SIGNS[code][0]
    if not _CODE.fullmatch(code):
        raise ValueError(f"{value!r} is no currency code such as USD")
    return code


def price_minor(value: object, currency: str | None, default: str | None = None) -> tuple[int, str]:
    """(minor units, currency) of `19.99`, `"19.99 USD"`, `"$19.99"` or `"€19,99"`.

    `currency` is what the row says, `default` what holds where neither row nor price say anything. Raises ValueError
    with what is wrong.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is no price")
    if isinstance(value, str):
        amount, named = _split(value)
    else:
        amount, named = repr(value), ()
    code = _settled(value, named, currency, default)
    number = plain_number(amount, decimals=exponent(code)) if isinstance(value, str) else amount
    if number.startswith("-"):
        raise ValueError(f"the price is negative: {value}")
    return to_minor(number, code), code


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """The amount and the currencies that the text names, most likely first."""
    clean = text.translate(_SPACES).strip()
    found = re.fullmatch(r"(-?)\s*(\D*?)\s*([-+]?[.,]?[0-9][0-9.,' ]*?)\s*([^0-9.,']*)", clean)
    if found is None:
        raise ValueError(f"{text!r} is no price")
    minus, before, amount, after = found.groups()
    words = [word for word in (before.strip(), after.strip()) if word]
    if len(words) > 1:
        raise ValueError(f"{text!r} is no price")
    if not words:
        return minus + amount, ()
    # "US$", "CA$": the letters say whose dollar it is.
    word = words[0].upper()
    if word in _SIGNS:
        return minus + amount, _SIGNS[word]
    if _CODE.fullmatch(word):
        return minus + amount, (word,)
    raise ValueError(f"{text!r} is no price; write it as 19.99 USD")


def _settled(value: object, named: tuple[str, ...], currency: str | None, default: str | None) -> str:
    if currency is not None:
        if named and currency not in named:
            raise ValueError(f"{value!r} is not in {currency}, the row's currency")
        return currency
    if named:
        return default if default in named and default is not None else named[0]
    if default is not None:
        return default
    raise ValueError(f"{value!r} has no currency")
