"""What only a GPU can show, in at most six minutes: `python -m tests.gpu [--device cpu] [--only PART ...] [--out FILE]`.

Each part is a process of its own with a limit of time. What fails, and how, is a line of the table at the end; nothing stops the
others. The last line is the same as JSON, which is also written to a file. Needs this repository, what requirements.txt names and
a card with PyTorch 2.11 or newer; no browser, no ffmpeg, no network. With `--device cpu` the parts run at tiny sizes, and
those that need a GPU say so. The exit code is 0 where nothing that ran has failed.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.gpu.parts import ROOT, load, parts
from tests.gpu.report import FAILED, Report, Setting, reason_of
from tests.gpu.runner import run_all, summary, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--only", nargs="+", metavar="PART", help="parts whose names begin so")
    parser.add_argument("--minutes", type=float, help="for all parts together (default: 6; on a CPU 30)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "runs" / "gpu.json", help="the JSON (default: runs/gpu.json)"
    )
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    setting = Setting(chosen.device, small=chosen.device == "cpu")
    if chosen.part:
        name, function = chosen.part
        return run_part(function, name, chosen.rows, setting)
    wanted = [p for p in parts() if not chosen.only or p.name.startswith(tuple(chosen.only))]
    if not wanted:
        parser.error(f"no part begins so; there are {', '.join(p.name for p in parts())}")
    found = run_all(wanted, setting, 60 * (chosen.minutes or (30 if setting.small else 6)))
    told = summary(found, setting)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    print(json.dumps(told))
    return 0 if told["ok"] else 1


def run_part(function: str, name: str, rows: Path, setting: Setting) -> int:
    """One part, in this process: it imports what it needs, and begins once its seconds come by standard input."""
    try:
        run = load(function)
        run(Report(name, rows, float(sys.stdin.readline())), setting)
    except Exception as error:
        Report(name, rows, 0).add("the part itself", FAILED, note=reason_of(error))
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
