"""A whole video in one pass, inside the decoding process: of every frame a grey picture of 16 x 16 cells, and of every few
frames a small one in colour, each written as soon as it is decoded, so that nothing is kept.

The answer is an object as JSON; then for each frame a letter and its bytes; then a letter and a last object. `stream.py` reads it.
"""

import gc
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from sifa.video._decode import (
    NotAsSurveyed,
    Refused,
    Request,
    check_times,
    choose,
    damaged,
    frames_of,
    refusal,
    survey_again,
    surveyed,
    write,
)
from sifa.video._pictures import is_hdr, pixel_shape, quick_picture, small_picture
from sifa.video._survey import Complaints, Survey, frame_rate, is_constant
from sifa.video.answer import END, GREY, PICTURE

MOST_SAMPLES = 10**5


def stream(video: BinaryIO, ask: Request, out: BinaryIO) -> None:
    """Writes the answer. What goes wrong before the first frame is its only object; what goes wrong later, its last one."""
    writer = Writer(out)
    gc.freeze()  # what is there by now need not be looked at again
    try:
        with Complaints() as complaints:
            found = surveyed(video, ask, complaints)
            while True:
                try:
                    writer.write_all(video, found, ask, complaints)
                    break
                except NotAsSurveyed:
                    if writer.begun:
                        raise damaged("a frame is not shown when its packet says") from None
                    survey_again(video, found, ask, complaints)
        end = dict[str, Any]()
    except Exception as error:
        end = refusal(error)
    if writer.begun:
        out.write(END)
    write(out, end)


class Writer:
    """Writes frames; the header before the first one, from which it knows their size."""

    def __init__(self, out: BinaryIO) -> None:
        self.out, self.shape = out, tuple[int, ...]()

    @property
    def begun(self) -> bool:
        return bool(self.shape)

    def write_all(self, video: BinaryIO, found: Survey, ask: Request, complaints: Complaints) -> None:
        """All frames of the plan, and those between them in grey. Raises Refused, NotAsSurveyed, and what PyAV raises."""
        header = plan(found, ask)
        wanted = sorted(set(header["numbers"]))
        chosen, pixel = set(wanted), pixel_shape(found.pixel)
        for number, frame in frames_of(video, found, wanted, complaints):
            grey = np.asarray(small_picture(frame), "<f4").tobytes()
            if number not in chosen:
                self.out.write(GREY + grey)
                continue
            if frame.width * frame.height > ask.max_pixels:
                raise Refused("pixels", [frame.width, frame.height])
            picture, size = quick_picture(frame, pixel, ask.max_side)
            if not self.begun:
                notes = header["notes"] + ["square"] * (pixel != 1) + ["hdr"] * is_hdr(frame)
                write(self.out, header | dict(shape=picture.shape[:2], source_size=size, notes=notes))
                self.shape = picture.shape
            if picture.shape != self.shape:
                raise Refused("size")
            self.out.write(PICTURE + grey)
            self.out.write(picture.data)
            gc.collect()  # a frame whose side data was looked at holds itself


def plan(found: Survey, ask: Request) -> dict[str, Any]:
    """The header, as far as it is known before a frame is decoded.

    `numbers` are the frames in colour: those at the step asked for, and in each step as many more as make `parts` equal
    parts of it, where it can be divided.
    """
    check_times(found, ask)
    times = found.times
    fps = frame_rate(times, found.rate)
    ask = replace(ask, num_frames=MOST_SAMPLES)
    numbers, step = choose(times, fps, ask)
    if not ask.step_is_seconds or is_constant(times, fps) or fps == 0:
        parts = next((parts for parts in range(2, step + 1) if step % parts == 0), 1)
        numbers = np.arange(numbers[0], numbers[-1] + 1, step // parts)
    else:
        parts = 2
        numbers, _ = choose(times, fps, replace(ask, step=ask.step / 2))
    numbers = numbers[times[numbers] - times[numbers[0]] < ask.longest]
    return dict(
        numbers=numbers.tolist(),
        times=times[numbers[0] : numbers[-1] + 1].tolist(),
        source_frames=len(times),
        fps=float(fps),
        sampling_rate=step,
        parts=parts,
        notes=["begins late"] * found.begins_late
        + ["cut off"] * found.cut_off
        + ["damaged later"] * bool(found.complaints),
    )
