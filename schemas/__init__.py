"""The floor: contracts as data. What crosses a topic, a file or a process boundary is defined here and nowhere else."""
