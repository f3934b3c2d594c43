"""`sifa metamorphic`."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from sifa.errors import WeightsError
from sifa.evaluation.metamorphic import SURE, check_folder
from sifa.weights.checkpoint import load
from sifa.weights.shipped import DEFAULT_CHECKPOINT


def main() -> None:
    parser = argparse.ArgumentParser(prog="sifa metamorphic", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--windows", type=int, default=8, help="at most, of each video")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    try:
        found, cuts, unreadable = check_folder(load(args.checkpoint, args.device), args.folder, args.windows)
    except (WeightsError, ValueError) as error:
        raise SystemExit(str(error)) from None
    for window in found:
        verdict = "unsure"
        if window.probability > SURE:
            verdict = (
                "holds"
                if not window.failures
                else "FAILS " + ", ".join(f"{f}: {getattr(window, f)}" for f in window.failures)
            )
        print(f"{window.video}, frame {window.start}: {window.label} {window.probability:.2f}  {verdict}")
    for name, why in unreadable.items():
        print(f"could not be read: {name}: {why}")
    sure = [w for w in found if w.probability > SURE]
    held = sum(not w.failures for w in sure)
    share = f" ({held / len(sure):.0%})" if sure else ""
    print(f"{len(found)} windows, {len(sure)} with a class above {SURE}: all three hold in {held}{share}")
    for change in ("reversed", "mirrored", "frozen"):
        print(f"  {change}: {sum(change not in w.failures for w in sure)} of {len(sure)}")
    print(f"left out: {cuts} windows that cross a cut, {len(unreadable)} files that could not be read")
    if args.json:
        print(
            json.dumps(
                dict(windows=[asdict(w) for w in found], sure=len(sure), hold=held, cuts=cuts, unreadable=unreadable)
            )
        )
