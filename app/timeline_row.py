"""The row below the viewer that shows a whole video: its components, and which event each of them starts."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

import gradio as gr

from .events import Outputs
from .timeline import Timeline

FOLDER = resources.files(__package__)
SCRIPT = "\n".join(
    (FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in ("timeline", "timeline_marks", "timeline_answers")
)
CSS = (FOLDER / "timeline.css").read_text(encoding="utf-8")
HTML = """
<section class="tl-row" aria-label="The whole video" hidden>
<div class="tl-picture">
<img alt="">
<div class="tl-square" role="slider" tabindex="0" aria-label="The part of the picture that the model sees"><i></i></div>
</div>
<div class="tl-time">
<div class="tl-film"><div class="tl-frames"></div><div class="tl-cuts"></div>
<div class="tl-window" role="slider" tabindex="0" aria-label="The time that the model sees"><i></i><i></i></div></div>
<div class="tl-answers"><ol></ol><i></i><button type="button" class="tl-read">Read the whole video</button></div>
</div>
<p class="tl-words"><span class="tl-said" aria-live="polite"></span> <span class="tl-progress"></span>
<button type="button" class="tl-best" hidden>Go to the most motion</button>
<button type="button" class="tl-stop" hidden>Stop</button>
<button type="button" class="tl-again" hidden>Read again</button>
<a class="tl-csv" download hidden>Save as CSV</a></p>
</section>"""


@dataclass(frozen=True)
class Row:
    """The row, whose value is the visitor's choice, and two components that nobody sees, which bring what the server says of a
    clip."""

    choice: gr.HTML
    survey: gr.HTML
    answers: gr.HTML


def build() -> Row:
    """The row, which stays hidden until a clip of one's own is open; on a wide page it moves into the viewer's place for it."""
    return Row(
        gr.HTML(
            html_template=HTML,
            js_on_load=f"{call('showTimeline')} // 'input', 'submit', 'stop'",
            apply_default_css=False,
            elem_id="timeline",
        ),
        *(
            gr.HTML(html_template="", js_on_load=call("passOn", f"timeline-{name}"), visible="hidden")
            for name in ("survey", "answers")
        ),
    )


def connect(row: Row, timeline: Timeline, clip: gr.HTML, fields: list[Any], weights: gr.HTML, outputs: Outputs) -> None:
    """Which event each component starts; a clip that was uploaded is looked through when its first window has been run, and
    `fields` are those of the start and the step, which follow the window."""
    quiet: dict[str, Any] = dict(
        show_progress="hidden", trigger_mode="multiple", api_visibility="private", preprocess=False
    )
    clip.upload(
        timeline.open,
        [clip, *fields, weights, row.choice],
        [*outputs, row.choice, *fields],
        **quiet | dict(show_progress="full", show_progress_on=[outputs.status]),
    ).then(timeline.survey, [clip, weights], [row.survey], **quiet)
    row.choice.input(None, [row.choice], fields, js="choice => [choice.start, choice.step]", queue=False, **quiet)
    row.choice.input(
        timeline.window,
        [clip, row.choice, weights],
        list(outputs),
        **quiet | dict(show_progress="full", show_progress_on=[outputs.status]),
    )
    row.choice.submit(timeline.whole, [clip, row.choice, weights], [row.answers], **quiet)
    row.choice.stop(timeline.stop, None, None, **quiet)


def call(name: str, *arguments: str) -> str:
    """JavaScript: a call of that function for a component, when it is there."""
    given = "".join(f", {argument!r}" for argument in arguments)
    return f"(() => {{\n{SCRIPT}\nreturn {name};\n}})()({{ element, props, watch, trigger }}{given});"
