"""Look through a table that `sifa batch` made: filters and pages of pictures, in the browser; a clip opens its explorer.

The page shows what is in the folder and nothing else, and answers this machine alone unless --host says otherwise."""

import argparse

from sifa.cli import options

EXAMPLES = """examples:
  sifa browse runs/table
  sifa browse runs/table --port 8000"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=options.place, help="the --out of sifa batch")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=options.whole(0, 65535), default=7870, metavar="N", help="0: any that is free (default: 7870)"
    )


def run(arguments: argparse.Namespace) -> int:
    from sifa.batch.browse.table import Table  # first, since it needs what [batch] alone has

    table = Table(arguments.folder)

    from sifa.batch.browse.server import serve

    serve(table, arguments.host, arguments.port)
    return 0
