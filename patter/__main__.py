"""`python -m patter` is the same as `patter`."""

from patter.cli import main

if __name__ == "__main__":
    main()
