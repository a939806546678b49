"""Money as integer minor units and a currency (ISO 4217), and how it is written for a shopper."""

from decimal import Decimal, InvalidOperation

# Digits after the point, where it is not 2 (ISO 4217).
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF")
        + ("XOF", "XPF"),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}


def exponent(currency: str) -> int:
    """How many digits a currency has after the point."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: str, currency: str) -> int:
    """Minor units of a decimal amount such as "19.99".

    Raises ValueError where the amount is no number, not finite, negative, or finer than the currency's minor unit.
    """
    try:
        value = Decimal(amount.strip())
    except InvalidOperation:
        raise ValueError(f"{amount!r} is no amount") from None
    if not value.is_finite():
        raise ValueError(f"{amount!r} is no amount")
    if value < 0:
        raise ValueError(f"{amount!r} is below zero")
    scaled = value.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount!r} is finer than the minor unit of {currency}")
    return int(scaled)


def written(minor: int, currency: str) -> str:
    """The amount as a shopper reads it: "$19.99", "¥1200", "19.99 CHF"."""
    digits = exponent(currency)
    text = f"{minor // 10**digits}.{minor % 10**digits:0{digits}d}" if digits else str(minor)
    sign = _SIGNS.get(currency)
    return f"{sign}{text}" if sign else f"{text} {currency}"
