"""Start the page: `python -m app [--checkpoint F] [--device auto|cpu|cuda|cuda:N] [--port N] [--share]`."""

from .server import main

if __name__ == "__main__":
    raise SystemExit(main(prog=f"python -m {__package__}"))
