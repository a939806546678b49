"""The corpus's lines as they stand in its files."""

from pathlib import Path

from msgspec import Struct

FOLDER = Path(__file__).parent / "corpus"
SEGMENTS = ("any", "new", "regular", "loyal", "big_spender", "bargain_hunter", "lapsed")
TONES = ("plain", "warm", "bold", "playful", "expert")
CTAS = ("none", "shop", "discover", "save", "remind")


class Line(Struct, frozen=True, kw_only=True):
    """One text and what it was written for. `place` is its file and line."""

    category: str
    segment: str
    tone: str
    cta: str
    channel: str
    text: str
    place: str


def read_lines(path: Path) -> tuple[list[Line], list[str]]:
    """A file's lines, and what in it is none. Blank lines and those that begin with # are passed over."""
    lines, malformed = [], []
    for number, row in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not row.strip() or row.startswith("#"):
            continue
        fields = [field.strip() for field in row.split("|")]
        place = f"{path.name}:{number}"
        if len(fields) != 5 or not all(fields):
            malformed.append(f"{place}: not segment | tone | cta | channel | text")
            continue
        segment, tone, cta, channel, text = fields
        lines.append(
            Line(category=path.stem, segment=segment, tone=tone, cta=cta, channel=channel, text=text, place=place)
        )
    return lines, malformed
