"""How far the finest block can follow: `python -m tests.bench.reach [--json]`.

A camera pans over photographs of the held-out split, so many cells of the finest grid a time step, and the displacement of its
better block is compared with that. Means over twelve pans of the median cell, and of the longest twentieth of the cells.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import sifa
from sifa.data.motion.textures import texture_bank
from sifa.video.clip import Clip
from sifa.weights.shipped import DEFAULT_CHECKPOINT

CELLS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 6)
SIDE, BORDER, PANS = 256, 4, 12  # pixels; cells at the edges that are left out


def pan(texture: torch.Tensor, pixels: float, frames: int) -> np.ndarray:
    """A window that goes right by so many pixels a frame: (frames, SIDE, SIDE, 3) uint8."""
    y, x = torch.meshgrid(torch.arange(SIDE) - SIDE / 2, torch.arange(SIDE) - SIDE / 2, indexing="ij")
    size = texture.shape[-1]
    pictures = []
    for t in range(frames):
        at = torch.stack([x + (t - (frames - 1) / 2) * pixels, y], -1) * 2 / size
        seen = F.grid_sample(texture[None].float(), at[None], padding_mode="reflection", align_corners=False)
        pictures.append(seen[0].permute(1, 2, 0).clamp(0, 255).byte().numpy())
    return np.stack(pictures)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reach", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="weights (default: the shipped ones)"
    )
    chosen = parser.parse_args()
    model = sifa.load(chosen.checkpoint)
    frames, size = model.card.num_frames, model.card.size
    textures = texture_bank("held-out", PANS, 640, 3)
    rows = []
    print("cells a step: true, median cell, longest 5 %")
    for cells in CELLS:
        found = []
        for number, texture in enumerate(textures):
            way = (-1) ** number
            grid = model.config.img_size // model.config.patch_size
            pictures = pan(texture, way * cells * SIDE / grid / model.tubelet, frames)
            numbers = np.arange(frames)
            clip = Clip(pictures, numbers / 7.5, numbers, "pan", 7.5, frames, (SIDE, SIDE))
            prediction = sifa.predict(model, clip)
            block = prediction.trace[prediction.best_block]
            inner = block.displacement[:, :, BORDER:-BORDER, BORDER:-BORDER]
            found.append((np.median(-way * inner[:, 1]), np.percentile(np.hypot(inner[:, 0], inner[:, 1]), 95)))
        rows.append((cells, *np.mean(found, 0).round(3).tolist()))
        print("{:5.2f} {:6.2f} {:6.2f}".format(*rows[-1]), flush=True)
    if chosen.json:
        print(json.dumps(dict(rows=rows, size=size)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
