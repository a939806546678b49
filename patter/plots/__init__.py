"""Plots as SVG text, drawn without a library: what is measured, as pages and reports show it."""
