"""intake: any JSON topic in, Patter's events out."""
