"""Kafka and time: the shells that carry records to the pure core and its answers back."""
