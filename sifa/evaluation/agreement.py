"""What a model says of real video, beside what OpenCV finds in it: the camera's motion, and dense flow.

Where nobody has labelled the videos, that is agreement between the two, and no accuracy.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sifa.data.motion.classes import CAMERA, CLASSES, FILMED
from sifa.errors import DataError, VideoError
from sifa.evaluation import classical
from sifa.evaluation.flow import MOVING, STATIC, TEXTURED
from sifa.evaluation.metamorphic import videos_below, windows
from sifa.evaluation.real import answers
from sifa.tracing.predict import predict
from sifa.tracing.records import BlockTrace, Prediction, Progress
from sifa.weights.card import ModelCard, VideoModel, card_of

MOST = 8  # windows of a video
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)  # ends of the ranges of motion, in cells of the finest grid per step
KNOWN = 0.6  # share of a cell whose flow is known
STILL = "camera still"
FARNEBACK = "OpenCV, Farneback"
Figures = dict[str, Any]


@dataclass
class _Flow:
    """Sums over cells of how well displacements follow a flow; lengths in cells of the finest grid."""

    grid: int
    cells: int = 0
    cosine: float = 0.0
    error: float = 0.0
    length: float = 0.0
    static_cells: int = 0
    static: float = 0.0
    found_by_speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(SPEEDS) - 1))
    true_by_speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(SPEEDS) - 1))

    def add(self, found: NDArray[Any], true: NDArray[Any], known: NDArray[Any], textured: NDArray[Any]) -> None:
        """Displacement and flow (2, G, G) of a pair, and where they can be compared (G, G)."""
        long, length = np.linalg.norm(found, axis=0), np.linalg.norm(true, axis=0)
        seen = known & textured  # where there is nothing to see, OpenCV says zero
        moving, still = seen & (length > MOVING), seen & (length < STATIC)
        self.cells += int(moving.sum())
        self.cosine += float(((found * true).sum(0) / np.maximum(long * length, 1e-6))[moving].sum())
        self.error += float(np.linalg.norm(found - true, axis=0)[moving].sum())
        self.length += float(length[moving].sum())
        self.static_cells += int(still.sum())
        self.static += float(long[still].sum())
        for number, (least, most) in enumerate(pairwise(SPEEDS)):
            there = seen & (length >= least) & (length < most)
            self.found_by_speed[number] += long[there].sum()
            self.true_by_speed[number] += length[there].sum()

    @property
    def figures(self) -> Figures:
        ratios = {
            f"{least:g}-{most:g}": _share(self.found_by_speed[i], self.true_by_speed[i])
            for i, (least, most) in enumerate(pairwise(SPEEDS))
        }
        return dict(
            grid=self.grid,
            cells=self.cells,
            cosine=_share(self.cosine, self.cells),
            error=_share(self.error, self.length),
            length_by_speed=ratios,
            static=_share(self.static, self.static_cells),
        )


@dataclass
class _Camera:
    """Counts of what was said of the camera."""

    asked: Counter[str] = field(default_factory=Counter)  # windows by what OpenCV finds
    agrees: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    second: int = 0  # windows in which OpenCV's two methods agree
    labelled: int = 0
    right: int = 0
    opencv_right: int = 0


def _share(part: float, whole: float) -> float | None:
    return round(float(part) / float(whole), 4) if whole else None


def evaluate_real(model: VideoModel, folder: Path, progress: Progress | None = None) -> Figures:
    """How a model compares with OpenCV on up to MOST windows of each video below a folder.

    `camera`: how often the model's answer is OpenCV's, in windows where one camera motion dominates or the camera stands still,
    and None for weights that name no camera motion; `labelled`: how often both are right, where folders have the names of the
    motions; `flow`: how well each block's arrows follow OpenCV's dense flow, and Farneback's flow in their place; `refused`:
    what was left out, and why. Raises DataError where there is no video, or none that can be measured.
    """
    card, files = card_of(model), videos_below(folder)
    flows: dict[str, _Flow] = {}
    camera, refused, seen, blocks = _Camera(), [], Counter[str](), ""
    for number, file in enumerate(files):
        if progress:
            progress(file.name, number / len(files))
        name = str(file.relative_to(folder))
        try:
            for clip in windows(file, card, MOST):
                if clip.cut:
                    refused.append(dict(video=name, start=int(clip.indices[0]), why="it crosses a cut"))
                    continue
                seen[name] += 1
                prediction = predict(model, clip)
                blocks = prediction.trace[prediction.best_block].name if len(prediction.trace) else ""
                pictures = classical.squares(clip.frames, prediction.crop)
                there, valid = classical.flow_there_and_back(pictures)
                _compare_camera(camera, prediction, file, pictures, there)
                _compare_flow(flows, prediction, pictures, there, valid)
        except VideoError as error:
            refused.append(dict(video=name, start=None, why=str(error)))
    if not seen:
        raise DataError(
            f"none of the {len(files)} videos below {folder} can be measured; the first: {refused[0]['why']}"
        )
    return dict(
        videos=len(seen),
        windows=seen.total(),
        refused=refused,
        camera=_camera_figures(camera) if _names_cameras(card) else None,
        labelled=_labelled_figures(camera) if camera.labelled and _names_cameras(card) else None,
        opens_on=blocks,
        flow={name: sums.figures for name, sums in flows.items()},
    )


def _names_cameras(card: ModelCard) -> bool:
    """Whether the labels are motions, some of them the camera's."""
    return set(card.labels) <= {*CLASSES, *FILMED} and bool(set(card.labels) & set(CAMERA))


def _camera_answer(label: str) -> str:
    """What an answer says of the camera: a model with one answer that names a thing says that the camera stands still."""
    return label if label in (*CAMERA, "unsure") else STILL


def _compare_camera(
    counts: _Camera,
    prediction: Prediction,
    file: Path,
    pictures: NDArray[np.uint8],
    there: NDArray[Any],
) -> None:
    """Count what the model and OpenCV say of the camera in one window."""
    if not _names_cameras(prediction.card):
        return
    said = _camera_answer(answers(prediction)["camera"][0])
    found, second = classical.camera_by_features(pictures), classical.camera_by_flow(there)
    true = file.parent.name.replace("_", " ")
    if true in FILMED:
        true = _camera_answer(true)
        counts.labelled += 1
        counts.right += said == true
        counts.opencv_right += found is not None and found.label == true
    dominant = found.dominant if found else None
    if dominant is None:
        return
    counts.asked[dominant] += 1
    counts.agrees[dominant] += said == dominant
    counts.unsure[dominant] += said == "unsure"
    counts.second += second is not None and second.label == dominant


def _compare_flow(
    flows: dict[str, _Flow],
    prediction: Prediction,
    pictures: NDArray[np.uint8],
    there: NDArray[Any],
    valid: NDArray[Any],
) -> None:
    """Add each block's arrows, and Farneback's flow, to the sums of how they follow the dense flow of one window."""
    if not len(prediction.trace):
        return
    finest = max(block.saliency.shape[-1] for block in prediction.trace)
    other = classical.farneback(pictures)
    truths = {}
    for block in prediction.trace:
        grid, frames = block.saliency.shape[-1], round(block.stride[0])
        if (grid, frames) not in truths:
            truths[grid, frames] = [
                _truth(pictures, there, valid, (grid, finest), part) for part in _spans(block, frames)
            ]
        sums = flows.setdefault(block.name, _Flow(grid))
        for arrows, (true, known, textured) in zip(block.displacement, truths[grid, frames]):
            sums.add(arrows * (finest / grid), true, known, textured)
    best = prediction.trace[prediction.best_block]
    grid, frames = best.saliency.shape[-1], round(best.stride[0])
    sums = flows.setdefault(FARNEBACK, _Flow(grid))
    for part, (true, known, textured) in zip(_spans(best, frames), truths[grid, frames], strict=True):
        sums.add(_truth(pictures, other, valid, (grid, finest), part)[0], true, known, textured)


def _spans(block: BlockTrace, frames: int) -> list[slice]:
    """Which flows from frame to frame lead from the middle of each of a block's time steps to that of the next."""
    return [slice(p * frames + frames // 2, (p + 1) * frames + frames // 2) for p in range(len(block.attention))]


def _truth(
    pictures: NDArray[np.uint8],
    flows: NDArray[Any],
    valid: NDArray[Any],
    grids: tuple[int, int],
    part: slice,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Flow (2, G, G), (dy, dx) in cells of the finest of two grids, where it is known (G, G), and where motion can be seen."""
    grid, finest = grids
    way, good = classical.chained(flows[part], valid[part])
    weight = good.astype(np.float32)
    share = classical.on_grid(weight, grid)
    mean = classical.on_grid(way * weight[..., None], grid) / np.maximum(share, 1e-6)[..., None]
    true = np.moveaxis(mean[..., ::-1], -1, 0) * (finest / pictures.shape[-1])
    return true, share > KNOWN, classical.contrast(pictures[part.start], grid) > TEXTURED


def _camera_figures(counts: _Camera) -> Figures:
    moving = set(counts.asked) - {STILL}
    asked, agrees, unsure = (
        sum(each[name] for name in moving) for each in (counts.asked, counts.agrees, counts.unsure)
    )
    return dict(
        dominated=asked,
        agrees=_share(agrees, asked),
        unsure=_share(unsure, asked),
        agrees_where_sure=_share(agrees, asked - unsure),
        still=counts.asked[STILL],
        agrees_still=_share(counts.agrees[STILL], counts.asked[STILL]),
        second_method_agrees=_share(counts.second, counts.asked.total()),
        by_motion={name: [counts.agrees[name], counts.asked[name]] for name in CAMERA if counts.asked[name]},
    )


def _labelled_figures(counts: _Camera) -> Figures:
    return dict(
        windows=counts.labelled,
        camera_right=_share(counts.right, counts.labelled),
        opencv_camera_right=_share(counts.opencv_right, counts.labelled),
    )
