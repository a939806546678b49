"""The roof: command line, settings, wiring, telemetry. Imported by nothing below it."""

__version__ = "0.1.0"
