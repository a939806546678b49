"""Settings: one file, the environment on top of it, and nothing else. The only reader of the environment.

`load` answers a `Settings` or raises ConfigError with the field's path; `problems` lists everything that is wrong.
"""

from patter.settings.load import load, problems
from patter.settings.model import Settings

__all__ = ["Settings", "load", "problems"]
