"""Advice to the garbage collector of a process that has loaded everything it needs."""

import gc


def settle_heap() -> None:
    """Call once, when a worker is ready: takes what was loaded so far out of every later collection.

    Feast alone leaves a few hundred thousand objects; sweeping them in the middle of a batch took 100 ms at the 95th
    percentile, 14 ms with this. The thresholds let a batch's short-lived objects die young before a collection looks.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
