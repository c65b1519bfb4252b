"""`python -m nextbest.cli` is `nextbest`."""

from nextbest.cli import main

if __name__ == "__main__":
    main()
