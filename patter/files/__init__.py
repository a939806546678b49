"""The files that users bring: catalogue, shoppers, events; CSV with a header or JSON lines, gzipped or not."""
