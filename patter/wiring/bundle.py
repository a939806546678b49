"""The model bundle that the settings name, or the starter that ships with Patter."""

from pathlib import Path

from inference.bundle import starter_dir
from patter.settings import Settings


def bundle_path(settings: Settings) -> Path:
    """The bundle's folder."""
    return Path(settings.bundle) if settings.bundle else starter_dir()
