"""The generated pages of the documentation: rendered from code, so that they cannot drift from it.

`python -m patter.reference` writes them; a contract test fails where the committed ones differ.
"""

from patter.reference.pages import PAGES, rendered

__all__ = ["PAGES", "rendered"]
