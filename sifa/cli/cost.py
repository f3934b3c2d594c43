"""`sifa cost`."""

import argparse

from sifa.charts.tables import table


def main() -> None:
    parser = argparse.ArgumentParser(prog="sifa cost", description="Parameters and multiply-adds of every variant.")
    parser.add_argument("--frames", type=int, nargs="+", default=[16, 32, 64], help="frame counts of the Swin variants")
    print(table(tuple(parser.parse_args().frames)))
