"""What a text is like: attributes that are measured on it, without a model."""
