"""The demo: a shop that trades for a minute, watched live and recounted from its topics."""
