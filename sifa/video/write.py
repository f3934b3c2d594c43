"""Writing frames as a video file."""

from pathlib import Path

import av
import numpy as np


def write_mp4(frames: np.ndarray, file: Path, fps: int = 30) -> None:
    """Write frames (T, H, W, 3) uint8 RGB, H and W even, as an h264 mp4 of `fps` frames per second."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
