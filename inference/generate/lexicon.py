"""The word lists beside this file, and the forms in which a word of them may stand in a text."""

from importlib.resources import files

BACKED = ("colours", "materials", "amounts", "claims", "attributes")
"""The lists whose words only a product's record may back."""


def entries(text: str) -> tuple[str, ...]:
    """The entries of a list in the order of its text: between commas, lines that begin with # being comments."""
    body = ",".join(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(" ".join(entry.split()) for entry in body.split(",") if entry.strip())


def words_of(name: str) -> tuple[str, ...]:
    """The entries of a word list, in the order of its file."""
    return entries(files("inference.generate").joinpath("lexicons", f"{name}.txt").read_text("utf-8"))


def backed_words() -> frozenset[str]:
    """Every entry of the lists that a record has to back, its plural, and what is like it ("reddish")."""
    words = {word for name in BACKED for word in words_of(name)}
    return frozenset(words | {_plural(word) for word in words} | {f"{word}ish" for word in words})


def _plural(word: str) -> str:
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
