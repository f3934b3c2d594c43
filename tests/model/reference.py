"""The operator written from the paper as nested loops in float64: the oracle that the fast version is held against."""

import math

import numpy as np


def bilinear(image: np.ndarray, y: float, x: float) -> np.ndarray:
    """Value of image (C, H, W) at a real-valued place, zero outside."""
    _, height, width = image.shape
    value = np.zeros(image.shape[0])
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                value += max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column)) * image[:, row, column]
    return value


def inter_frame_attention(features, offset, kernel_size, dilation=1, weights="dot", place=None):
    """features (B, C, T, H, W), offset (B, P, N, 2, H, W), place (C, 2) -> features, attention, float64."""
    b_, c_, t_, h_, w_ = features.shape
    n_ = kernel_size**2
    out, attention = np.zeros((b_, c_, t_, h_, w_)), np.zeros((b_, t_ - 1, n_, h_, w_))
    first = -((dilation * (kernel_size - 1) + 1) // 2)
    for b in range(b_):
        for t in range(t_ - 1):
            for y in range(h_):
                for x in range(w_):
                    query = features[b, :, t, y, x]
                    values, moves, scores = [], [], []
                    for n in range(n_):
                        dy, dx = offset[b, t, n, :, y, x]
                        read = (
                            y + first + n // kernel_size * dilation + dy,
                            x + first + n % kernel_size * dilation + dx,
                        )
                        values.append(bilinear(features[b, :, t + 1], *read))
                        moves.append(np.array(read) - (y, x))
                        scores.append(float(query @ values[-1]))
                    scores = np.array(scores) / (c_ if weights == "dot" else math.sqrt(c_))
                    if weights == "softmax":
                        scores = np.exp(scores - scores.max())
                        scores /= scores.sum()
                    attention[b, t, :, y, x] = scores
                    out[b, :, t, y, x] = sum(s * v for s, v in zip(scores, values))
                    if place is not None:
                        out[b, :, t, y, x] += sum(s * (place @ move) for s, move in zip(scores, moves))
    return out, attention
