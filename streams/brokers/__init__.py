"""Brokers that Patter starts itself: a real one-node Kafka, and the embedded one for demos without Java."""
