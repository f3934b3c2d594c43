"""The figures of `sifa evaluate --real` in words and a table."""

from collections.abc import Mapping
from typing import Any

from sifa.evaluation.agreement import FARNEBACK, STILL, Figures


def describe_real(figures: Figures) -> str:
    """The figures of `evaluate_real`, in lines."""
    lines = [f"left out: {each['video']}{_frame(each['start'])}: {each['why']}" for each in figures["refused"]]
    lines.append(f"{figures['windows']} windows of {figures['videos']} videos, {len(figures['refused'])} left out")
    lines += _camera(figures["camera"]) if figures["camera"] else ["these weights name no camera motion to compare"]
    if found := figures["labelled"]:
        lines.append(
            f"of {found['windows']} windows in folders named after a motion, right about the camera: the model "
            f"{_per_cent(found['camera_right'])}, OpenCV {_per_cent(found['opencv_camera_right'])}"
        )
    else:
        lines.append(
            "no video has a label, so this is agreement with OpenCV, which may be wrong itself, and not accuracy"
        )
    return "\n".join([*lines, *_flow(figures["flow"], figures["opens_on"])])


def _frame(start: int | None) -> str:
    return "" if start is None else f", from frame {start}"


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _camera(found: Mapping[str, Any]) -> list[str]:
    return [
        f"one camera motion dominates in {found['dominated']} windows, by OpenCV's tracks and RANSAC: the model agrees in "
        f"{_per_cent(found['agrees'])}, is unsure in {_per_cent(found['unsure'])}, and agrees in "
        f"{_per_cent(found['agrees_where_sure'])} of the others",
        *(f"  {agrees} of {asked}  {name}" for name, (agrees, asked) in found["by_motion"].items() if name != STILL),
        f"the camera stands still in {found['still']} windows: the model agrees in {_per_cent(found['agrees_still'])}",
        f"for comparison, OpenCV's dense flow and RANSAC agrees with its tracks in {_per_cent(found['second_method_agrees'])}",
    ]


def _flow(flow: Mapping[str, Figures], opens_on: str) -> list[str]:
    """The table of the arrows, a row for each block."""
    if not flow:
        return ["these weights have no SIFA block, so there are no arrows to compare"]
    speeds = list(flow[opens_on]["length_by_speed"])
    finest = max(row["grid"] for row in flow.values())
    width = max(map(len, flow)) + 2
    lines = [
        f"arrows beside OpenCV's dense flow (DIS); lengths and motion in cells of the {finest} x {finest} grid per time step",
        f"{'':{width}}{'grid':>8}{'cells':>9}{'cosine':>8}{'error':>7}  length, of motion of "
        + "".join(f"{speed:>9}" for speed in speeds)
        + f"{'static':>8}",
    ]
    for name, row in flow.items():
        values = [row["cosine"], row["error"], *row["length_by_speed"].values(), row["static"]]
        cosine, error, *lengths, static = ("-" if value is None else f"{value:.2f}" for value in values)
        mark = "* " if name == opens_on else "  "
        lines.append(
            f"{mark}{name:{width - 2}}{row['grid']:>4} x {row['grid']:<2}{row['cells']:>8}{cosine:>8}{error:>7}{'':23}"
            + "".join(f"{length:>9}" for length in lengths)
            + f"{static:>8}"
        )
    return [
        *lines,
        "* the block that a page opens on; error: sum of the errors / sum of the lengths; length: of the arrows / of the flow;",
        f"static: mean length where nothing moves; {FARNEBACK}: how far that flow is from DIS's on the same cells",
    ]
