"""`patter write`: product facts in, judged copy out."""
