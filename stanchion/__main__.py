"""`python -m stanchion` is `stanchion`."""

from stanchion.cli import main

if __name__ == "__main__":
    main()
