"""What each part of a tuning is worth: the same run with one part left out at a time, over several seeds."""
