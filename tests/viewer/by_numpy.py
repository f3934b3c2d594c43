"""What the viewer computes, computed again by numpy."""

from dataclasses import replace

import numpy as np

from sifa.tracing.records import BlockTrace


def grid_of(block: BlockTrace) -> np.ndarray:
    """(N, 2) places of the neighbours around a query."""
    places = replace(block, offset=np.zeros_like(block.offset)).points[0]
    return (places - np.mgrid[: places.shape[-2], : places.shape[-1]])[:, :, 0, 0]


def track_by_numpy(block: BlockTrace, pair: int, y: int, x: int, rigid: bool) -> np.ndarray:
    """(steps, 4): place and spread per step, each step read at the nearest cell, the later one halfway between two."""
    pairs, _, _, height, width = block.offset.shape
    place, rows = np.array([y, x], float), [(y, x, 0, 0)]
    for p in range(pair, pairs):
        if not (-1 < place[0] < height and -1 < place[1] < width):
            break
        near = np.clip(np.floor(place + 0.5 + 1e-4), 0, [height - 1, width - 1]).astype(int)
        points = block.points[p, :, :, near[0], near[1]] - near
        if rigid:
            points = points - block.offset[p, :, :, near[0], near[1]]
        w = np.abs(block.attention[p, :, near[0], near[1]])
        mean = w @ points / w.sum()
        spread = np.sqrt(w @ (points - mean) ** 2 / w.sum())
        place = place + mean
        rows.append((*place, *spread))
    return np.array(rows)
