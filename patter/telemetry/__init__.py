"""What a process says about itself: metrics, logs, health."""
