"""The cases of `patter bench generate`: a subject at a batch, in the shape of the contract."""

from collections.abc import Mapping
from statistics import median

from patter.bench.figures import latencies
from patter.bench.writers import Answers
from schemas.subject import Answer

# For the starter on one core; what it was built for, and what is wished.
COPIES_LEAST, COPIES_GOAL = 200, 300


def tokens_per_s(answer: Answer) -> float:
    """Useful tokens per second of a measurement."""
    return answer.tokens / answer.seconds


def case(held: Answers, batch: int, params: Mapping[str, object]) -> dict[str, object]:
    """A subject at a batch. Latencies are of single requests, so only batch 1 has them."""
    answers, subject = held.by_batch[batch], held.subject
    values = [tokens_per_s(answer) for answer in answers]
    requests = int(str(params["requests"]))
    digests = sorted({answer.sha256 for answer in answers})
    more = {
        "batch": batch,
        "start_s": round(subject.start_s, 3),
        "first_copy_ms": round(held.first.seconds * 1000, 2),
        "rss_mib_loaded": round(subject.rss_mib, 1),
        "tokens": answers[0].tokens,
        "tokens_per_cpu_s": round(median(answer.tokens / answer.cpu_s for answer in answers), 1),
        "copies_per_cpu_s": round(median(requests / answer.cpu_s for answer in answers), 1),
    }
    if subject.name == "patter":
        more |= {"copies_per_s_least": COPIES_LEAST, "copies_per_s_goal": COPIES_GOAL}
    return {
        "name": f"generate@{batch}",
        "subject": subject.name,
        "broker": None,
        "params": {**params, **more},
        "repeats": len(answers),
        "values": [round(value, 1) for value in values],
        "unit": "useful tokens per second",
        "median": round(median(values), 1),
        "min": round(min(values), 1),
        "max": round(max(values), 1),
        "tokens_per_s": round(median(values), 1),
        "copies_per_s": round(median(requests / answer.seconds for answer in answers), 1),
        "latency_ms": latency(answers) if batch == 1 else None,
        "rss_mib": round(max(answer.rss_mib for answer in answers), 1),
        "outputs_sha256": digests[0] if len(digests) == 1 else digests,
        "skipped_reason": None,
    }


def latency(answers: list[Answer]) -> dict[str, float | int | None]:
    """From a request alone to its whole text, over every repeat."""
    return latencies([ms for answer in answers for ms in answer.call_ms])


def skipped(subject: str, batch: int, params: Mapping[str, object], reason: str) -> dict[str, object]:
    """The case of a subject that could not run here."""
    return {
        "name": f"generate@{batch}",
        "subject": subject,
        "broker": None,
        "params": {**params, "batch": batch},
        "repeats": 0,
        "values": [],
        "unit": "useful tokens per second",
        "median": None,
        "skipped_reason": reason,
    }
