"""`python -m sifa`, the same as the command `sifa`."""

import sys

from sifa.cli import main

if __name__ == "__main__":
    sys.exit(main())
