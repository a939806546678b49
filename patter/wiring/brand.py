"""The brand's rules that the settings name, or none."""

from pathlib import Path

from inference.generate.brand import BrandRules
from inference.generate.brand_file import read_brand_rules
from patter.settings import Settings


def brand_rules(settings: Settings) -> BrandRules:
    """The rules that every text has to keep. Raises ConfigError: the file is missing or invalid."""
    return read_brand_rules(Path(settings.brand_rules)) if settings.brand_rules else BrandRules()
