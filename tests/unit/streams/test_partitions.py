"""Kafka's own vectors (org.apache.kafka UtilsTest), and what librdkafka's partitioner would say."""

import pytest

from streams.kafka.partitions import murmur2, partition_of


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(text: str, signed: int) -> None:
    assert murmur2(text.encode()) == signed % 2**32
    assert partition_of(text.encode(), 7) == (signed & 0x7FFFFFFF) % 7
