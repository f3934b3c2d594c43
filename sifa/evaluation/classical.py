"""What OpenCV finds in a clip, without any learning: the camera's motion from feature tracks, and dense flow.

All of it in the square that the model sees. Needs the extra `[real]`.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from sifa.video.preprocess import Crop

MOTIONS = (
    *("camera pans left", "camera pans right", "camera tilts up", "camera tilts down", "camera zooms in"),
    *("camera zooms out", "camera rolls clockwise", "camera rolls counter-clockwise"),
)
Array = NDArray[np.float32]
Grey = NDArray[np.uint8]
SIDE = 192  # pixels of the square at most
MEAN_RADIUS = 0.3826  # from the middle of a square to its points, in sides: what a zoom or a roll moves the picture by
FEWEST = 12  # tracks or cells from which a camera's motion is read
TOLERANCE = 1.0  # pixels that a track may lie beside the camera's motion
LEAST, STILL = (
    0.08,
    0.02,
)  # of the side, in the whole clip: a camera motion is one from here on; below, the camera stands still
EXPLAINED = 0.4  # of the tracks or cells, from which what they show is the camera's motion
TWICE = 2.0  # how many times the next motion the dominant one is
STRAIGHT = 0.8  # way made good / way gone, from which a camera does not go to and fro
MOST_SPREAD = 1.0  # pixels between a point and where flow there and back leads


@dataclass(frozen=True)
class CameraMotion:
    """How far a camera moves the picture in a clip, in sides of the square: made good, and gone, by the name of the motion."""

    made_good: dict[str, float]  # opposite motions have opposite signs
    gone: dict[str, float]
    explained: float  # share of the tracks or cells that it explains

    @property
    def label(self) -> str:
        """The motion that is nearest, whether it dominates or not."""
        best = self._best
        return best if self.made_good[best] >= STILL else "camera still"

    @property
    def dominant(self) -> str | None:
        """The one camera motion that this clip shows, "camera still" where there is none; None where it shows several, one to
        and fro, or a small one."""
        if self.explained < EXPLAINED:
            return None
        if max(self.gone.values()) < STILL:
            return "camera still"
        best = self._best
        most = self.made_good[best]
        rest = sorted(map(abs, self.made_good.values()))[-3]  # each stands there twice
        return best if most >= max(LEAST, TWICE * rest, STRAIGHT * self.gone[best]) else None

    @property
    def _best(self) -> str:
        return max(self.made_good, key=lambda name: self.made_good[name])


def squares(frames: Grey, crop: Crop) -> Grey:
    """(T, S, S) grey pictures of the square that the model sees, of frames (T, H, W, 3); S is at most SIDE."""
    top, left, side = (round(v) for v in crop.source_box)
    scaled = min(SIDE, side)
    cut = [np.ascontiguousarray(frame[top : top + side, left : left + side]) for frame in frames]
    small = [
        cv2.resize(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), (scaled, scaled), interpolation=cv2.INTER_AREA)
        for each in cut
    ]
    return np.stack(small).astype(np.uint8)


def camera_by_features(pictures: Grey) -> CameraMotion | None:
    """The camera's motion from corners tracked by Lucas and Kanade's method, and RANSAC; None where too few are found."""
    moves = []
    for before, after in pairwise(pictures):
        corners = cv2.goodFeaturesToTrack(before, 300, 0.01, 5)
        if corners is None:
            return None
        places, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, np.zeros_like(corners))
        kept = found.ravel() > 0
        moves.append(_move(corners[kept].reshape(-1, 2), places[kept].reshape(-1, 2)))
    return _camera(moves, pictures.shape[-1])


def camera_by_flow(flows: Array) -> CameraMotion | None:
    """The camera's motion from dense flow (T - 1, S, S, 2) and RANSAC; None where no motion fits."""
    side = flows.shape[1]
    y, x = np.mgrid[4:side:8, 4:side:8]
    points = np.stack([x, y], -1).reshape(-1, 2).astype(np.float32)
    return _camera([_move(points, points + flow[y, x].reshape(-1, 2)) for flow in flows], side)


def _move(before: Array, after: Array) -> tuple[Array, float] | None:
    """The similarity (2, 3) from points to points, and the share of them that it explains."""
    if len(before) < FEWEST:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(before, after, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE)
    return None if matrix is None else (matrix.astype(np.float32), float(np.mean(inliers)))


def _camera(moves: list[tuple[Array, float] | None], side: int) -> CameraMotion | None:
    """The sum of the moves from frame to frame."""
    whole = [move for move in moves if move is not None]
    if len(whole) < len(moves) or not whole:
        return None
    middle = np.full(2, (side - 1) / 2)
    steps = []
    for matrix, _ in whole:
        x, y = (matrix[:, :2] @ middle + matrix[:, 2] - middle) / side
        zoom = math.log(math.hypot(matrix[0, 0], matrix[1, 0])) * MEAN_RADIUS
        roll = math.atan2(matrix[1, 0], matrix[0, 0]) * MEAN_RADIUS  # of the picture, clockwise
        steps.append((x, -x, y, -y, zoom, -zoom, -roll, roll))
    made_good, gone = np.sum(steps, 0), np.abs(steps).sum(0)
    return CameraMotion(
        dict(zip(MOTIONS, made_good.tolist(), strict=True)),
        dict(zip(MOTIONS, gone.tolist(), strict=True)),
        float(np.mean([share for _, share in whole])),
    )


def flow_there_and_back(pictures: Grey) -> tuple[Array, NDArray[np.bool_]]:
    """Dense flow (T - 1, S, S, 2), (dx, dy) in pixels, from each picture to the next, by dense inverse search; and where the flow
    back leads to where it began (T - 1, S, S)."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((*pictures.shape[1:], 2), np.float32)
    there = np.stack([engine.calc(before, after, start.copy()) for before, after in pairwise(pictures)])
    back = np.stack([engine.calc(after, before, start.copy()) for before, after in pairwise(pictures)])
    return there, np.stack([consistent(*both) for both in zip(there, back, strict=True)])


def farneback(pictures: Grey) -> Array:
    """The same flow by Farneback's polynomials."""
    start = np.zeros((*pictures.shape[1:], 2), np.float32)
    settings = (0.5, 4, 15, 3, 5, 1.2, 0)  # scale, levels, window, rounds, and the polynomials' size, width and flags
    return np.stack([cv2.calcOpticalFlowFarneback(*both, start.copy(), *settings) for both in pairwise(pictures)])


def consistent(there: Array, back: Array) -> NDArray[np.bool_]:
    """(S, S) where flow there and back leads to where it began."""
    return np.asarray(np.hypot(*np.moveaxis(there + _read(back, there), -1, 0)) < MOST_SPREAD)


def chained(flows: Array, valid: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
    """Flow over several frames from flows (n, S, S, 2) from each to the next, and where it is valid (S, S) all the way."""
    side = flows.shape[1]
    way, good = flows[0], valid[0]
    for flow, fine in zip(flows[1:], valid[1:]):
        good = good & (_read(fine.astype(np.float32), way) > 0.5)
        way = way + _read(flow, way)
    ends = way + np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1)
    return way, good & ((ends >= 0) & (ends <= side - 1)).all(-1)


def _read(values: Array, way: Array) -> Array:
    """Values (S, S, ...) read where the flow `way` leads to."""
    y, x = np.indices(way.shape[:2], np.float32)
    return np.asarray(
        cv2.remap(values, x + way[..., 0], y + way[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def on_grid(values: Array, cells: int) -> Array:
    """Means of values (S, S, ...) over each of cells x cells."""
    return np.asarray(cv2.resize(values, (cells, cells), interpolation=cv2.INTER_AREA))


def contrast(picture: Grey, cells: int) -> Array:
    """(cells, cells) deviation of brightness, 0..1, in each cell and its eight neighbours."""
    bright = picture.astype(np.float32) / 255
    width = max(3, round(3 * len(picture) / cells))
    mean, mean_of_squares = (cv2.blur(each, (width, width)) for each in (bright, bright**2))
    return on_grid(np.sqrt(np.maximum(mean_of_squares - mean**2, 0)), cells)
