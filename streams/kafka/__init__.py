"""Speaking to Kafka: client settings, topics, the batch loop, dumps."""
