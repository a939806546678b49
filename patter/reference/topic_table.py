"""docs/reference/topics.md, from `schemas.topics.CATALOGUE`."""

from patter.reference.markdown import code, page, table
from schemas.golden import TYPES
from schemas.topics import CATALOGUE, DAY_MS, MAX_EVENT_BYTES, MIB, Topic

_INTRO = f"""
Every topic that Patter creates, as `patter topics apply` asks a broker for it. The setting `topics.NAME.name` gives a
topic another name and `topics.NAME.partitions` another number of partitions, NAME being the first column. A worker
refuses to start where the number of partitions differs from the settings.

Values are JSON in UTF-8; the committed schemas are the law. `events` and `catalog` are written by the shop (or by
`patter run intake`), all others by Patter. An event of {MAX_EVENT_BYTES:,} bytes or more is set aside as
[`too_large`](errors.md#too_large); the topic takes more than that so that the record can be counted at all.
"""


def topics_page() -> str:
    """The page."""
    summary = table(
        ["setting", "topic", "key", "partitions", "cleanup", "kept", "largest record", "what it is for"],
        [_row(topic) for topic in CATALOGUE],
    )
    return page(
        "Topics", _INTRO, summary, "## Configuration", _CONFIG, "\n".join(_config(topic) for topic in CATALOGUE)
    )


_CONFIG = "The topic-level keys that are asked for. `patter topics plan` shows where a cluster differs."


def _row(topic: Topic) -> list[str]:
    return [
        code(topic.logical),
        _linked(topic),
        topic.key,
        str(topic.partitions),
        topic.cleanup,
        _kept(topic.retention_ms),
        f"{topic.max_bytes // MIB} MiB",
        topic.about,
    ]


def _linked(topic: Topic) -> str:
    if topic.name not in TYPES:
        return code(topic.name)
    return f"[{code(topic.name)}](../../schemas/registry/{topic.name}.schema.json)"


def _kept(retention_ms: int) -> str:
    if retention_ms < 0:
        return "for ever"
    days, rest = divmod(retention_ms, DAY_MS)
    return f"{days} d" if not rest else f"{retention_ms // 3_600_000} h"


def _config(topic: Topic) -> str:
    return f"- `{topic.name}`: " + ", ".join(code(f"{key}={value}") for key, value in topic.config().items())
