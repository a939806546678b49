"""Past tests of copy with a planted truth: what raises and what lowers the odds of a click is known."""

from math import exp, log

import numpy as np

from schemas.arms import Arm

WORDS = (
    *("garden", "table", "morning", "letter", "window", "story", "people", "house", "little", "every"),
    *("around", "summer", "never", "maybe", "teacher", "market", "river", "simple", "talk", "about"),
    *("video", "watch", "years", "school", "mother", "music", "paper", "green", "walking", "under"),
    *("between", "office"),
)
GOOD, BAD = "remarkable", "ordinary"
BASE = log(0.02 / 0.98)


def past_tests(count, *, seed, strength=0.6, question=0.0, impressions=4000, arms=4, own_words=0):
    """`count` tests of `arms` texts, each test a group. GOOD raises the log odds of a click by `strength`, BAD lowers
    them by as much, a question mark adds `question`. `own_words` are words that stand in one group only and go with
    luck, for leaks to be seen by.
    """
    rng = np.random.default_rng(seed)
    found = []
    for test in range(count):
        for _ in range(arms):
            words = list(rng.choice(WORDS, 7))
            effect = 0.0
            if (draw := rng.random()) < 0.3:
                words[3], effect = GOOD, strength
            elif draw < 0.6:
                words[3], effect = BAD, -strength
            asks = rng.random() < 0.5
            luck = 0.0
            if own_words:
                mark = int(rng.integers(0, own_words))
                words.append(f"own{'abcdefgh'[mark]}group{_letters(test)}")
                luck = 1.0 if mark == 0 else -1.0
            odds = BASE + effect + asks * question + luck
            clicks = int(rng.binomial(impressions, 1 / (1 + exp(-odds))))
            text = " ".join(words) + ("?" if asks else ".")
            found.append(Arm(test=f"t{test}", group=f"g{test}", text=text, impressions=impressions, clicks=clicks))
    return found


def _letters(number):
    return "".join("abcdefghij"[int(digit)] for digit in str(number))
