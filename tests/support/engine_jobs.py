"""Jobs for an engine on a bundle of random weights, a model that wants what a test wants, and a clock."""

import random

import msgspec

from inference.generate.engine import open_engine
from inference.generate.prompt import all_tokens
from inference.generate.rows import Job
from inference.generate.slots import SLOTS

FOREVER = float("inf")


def opened(bundle, slots=32):
    return open_engine(bundle, provider="cpu", threads=1, slots=slots)


def some_jobs(bundle, count, seed=1, **common):
    """Prompts of unequal length, some facts each, and a seed each."""
    rng, engine = random.Random(seed), opened(bundle, 1)
    words = all_tokens(bundle.generation.controls)
    jobs = []
    for _ in range(count):
        said = [*rng.choices(words, k=rng.randint(2, 18)), "<copy>"]
        job = Job(
            prompt=(bundle.generation.bos, *engine.ids(said)),
            slots=frozenset({"NAME", *(slot for slot in SLOTS if rng.random() < 0.5)}),
            seed=rng.getrandbits(63),
        )
        jobs.append(msgspec.structs.replace(job, **common))
    return jobs


def texts(written):
    return [(each.text, each.ending) for each in written]


class Wanting:
    """A decoder whose model wants some tokens far more than all others, whatever it has read; the first a bit more."""

    def __init__(self, decoder, wanted):
        self.whole, self._decoder, self._wanted = decoder.whole, decoder, wanted

    def forward(self, *fed):
        logits = self._decoder.forward(*fed)
        logits[:, self._wanted] = 1000
        logits[:, self._wanted[0]] = 1000.5
        return logits

    def move(self, *which):
        self._decoder.move(*which)

    def clear(self, row):
        self._decoder.clear(row)


def wanting(engine, *wanted):
    engine._decoder = Wanting(engine._decoder, list(wanted))
    return engine


class Steps:
    """A clock that moves on by one second each time it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now
