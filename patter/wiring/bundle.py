"""The model bundle that the settings name, or the starter that ships with Patter."""

from importlib.resources import files
from pathlib import Path

from patter.settings import Settings


def bundle_path(settings: Settings) -> Path:
    """The bundle's folder."""
    return Path(settings.bundle) if settings.bundle else Path(str(files("inference"))) / "bundles" / "starter"
