"""What the page says: its Markdown, and the HTML that describes a result."""

import html
from pathlib import Path

from sifa.tracing.records import Prediction

TITLE = "See how a video model follows motion"
HOW_TO_READ = """
**The question.** SIFA (stand-alone inter-frame attention) asks, for every cell of frame *t*: which places of frame *t + 1*
belong to me? The orange square is the cell that asks.

**The nine places.** They start as a regular 3 × 3 grid around the cell (small crosses). Each is moved by an offset that the
model reads off the next frame, gated by the difference between the two frames; so offsets grow where something moves. The
discs are the places that were really read, between cells if need be.

**The weights.** At each place the model compares what it finds with what the cell holds. A large weight means a good match.
In the default weights the nine are positive and add up to one; in others they are raw products, which can be negative and need
not. The panel says which, and shows their sum.

**The blue arrow** is the weighted mean of the nine places: where the attention went. The white arrows are the same for the
whole field. In the default weights they were trained to follow the true motion of generated clips, which the paper does not do, and
nothing but the attention crosses time, so the answer depends on them. Under "Model" there are others for comparison: some whose
arrows nobody supervised, and some whose stem sees motion by itself.

**What if** one thing were changed: no offsets, even weights, a clip played backwards, random weights? The samples hold the
answers; for other clips the button "Try the what-ifs" in Experiment works them out. A switch there shows the answer before and
after, and the changed run's points as dashed rings.

**Compare** puts a second run beside this one, with one scrubber and one query for both: one of its what-ifs, other weights on the
same clip, or another result of this visit.

**How far to trust it.** Inside holds figures of each block. The model has seen generated clips of the motions that it names,
and nothing else. Below the threshold of its card it is unsure, and says so. On flat surfaces there is no motion to see, and
the arrows there mean little. A weight says what was read; what removing it does to the answer stands in Inside.
"""
LIMITS = (
    "At most 200 MB, 20 000 frames and 9.4 million pixels a frame. The clip is decoded on the computer that runs this "
    "page, kept in a temporary folder for an hour at most, and sent nowhere else."
)


def sentence(text: str) -> str:
    """A capital, unless it begins with a file name, and a full stop."""
    start = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return start + text[1:] + ("" if text.endswith((".", "!")) else ".")


def describe(prediction: Prediction) -> str:
    """HTML that says which frames and which part of them were used, and what the weights know."""
    clip = prediction.clip
    used = (
        f"{frame_list(clip.indices.tolist())} of {clip.source_frames}, {clip.times[0]:.2f} to {clip.times[-1]:.2f} s."
    )
    if clip.padded:
        used += (
            f" The clip is too short for {len(clip.indices)} frames at this step, so its last frame stands in for the "
            f"missing {clip.padded}."
        )
    withheld = (
        f'<p class="knows"><b>No answer.</b> {html.escape(prediction.withheld)}</p>' if prediction.withheld else ""
    )
    height, width = clip.source_size
    size, square = prediction.crop.size, clip.part
    part = "the whole" if height == width else "the middle square of the"
    if square:
        place = f"{square.left} from the left and {square.top} from the top"
        part = f"a square of {square.side} pixels, {place}, of the"
    used += f" The model sees {part} {width} × {height} picture, scaled to {size} × {size}."
    used += "".join(f" {note}" for note in (*clip.notes, *prediction.notes))
    name = html.escape(Path(clip.path).name)
    training = html.escape(training_note(prediction.card.trained_on, len(prediction.labels)))
    return f'{withheld}<p class="used"><b>{name}</b> {used}</p><p class="knows">{training}</p>'


def frame_list(indices: list[int]) -> str:
    """frames 0, 4, 8 … 60"""
    numbers = sorted(set(indices))
    shown = (
        ", ".join(map(str, numbers))
        if len(numbers) < 5
        else f"{numbers[0]}, {numbers[1]}, {numbers[2]} … {numbers[-1]}"
    )
    return f"frame{'s' if len(numbers) > 1 else ''} {shown}"


def training_note(trained_on: str, classes: int) -> str:
    """What the weights know, in words."""
    if not trained_on:
        return "Untrained weights: random numbers, so nothing here means anything."
    if "generated clips" in trained_on:
        return (
            f"Trained on generated clips of {classes} motions. The model knows these motions and nothing about actions "
            "such as those of Kinetics."
        )
    return sentence(f"Trained on {trained_on}")


def waiting(ahead: int, seconds: float | None, replaces: bool = False) -> str:
    """HTML of a place in the queue."""
    return f'<p class="waits">{place(ahead, seconds, replaces)}</p>'


def place(ahead: int, seconds: float | None, replaces: bool = False) -> str:
    """A place in the queue in words, in round numbers, so that it does not change at every look."""
    where = (
        "You are next"
        if ahead <= 1
        else f"{ahead - 1} {'clip is' if ahead == 2 else 'clips are'} to be run before yours"
    )
    wait = "" if seconds is None else f", in {about(seconds)}" if ahead <= 1 else f". Yours begins in {about(seconds)}"
    dropped = " Your earlier wish was dropped for this one." if replaces else ""
    return f"{where}{wait}.{dropped}"


def about(seconds: float) -> str:
    """about 10 s"""
    if seconds >= 90:
        return f"about {round(seconds / 60)} minutes"
    return next((f"about {limit} s" for limit in (5, 10, 15, 20, 30, 45, 60) if seconds <= limit), "about 90 s")


def failure(message: str) -> str:
    """HTML of an error that stays readable on the page."""
    return f'<p class="failed" role="alert">{html.escape(message)}</p>'
