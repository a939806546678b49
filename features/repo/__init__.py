"""Patter's Feast repository: entities, feature views and feature services. Importing its modules imports Feast.

`patter features apply` writes a `feature_store.yaml` and a `definitions.py`, which takes the objects from here, into
the data folder, so that the `feast` command works there too.
"""

PROJECT = "patter"
