"""The page's components, and which event each of them starts."""

import base64
import html
import io
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.events import api
from PIL import Image

from sifa.explorer import script, unpack
from sifa.video.containers import SUFFIXES

from . import texts, timeline_row
from .disk import KEEP_SECONDS, Disk
from .events import Events, Outputs
from .jobs import Jobs
from .samples import Sample
from .timeline import Timeline
from .visitors import Visitors

FOLDER = resources.files(__package__)
CSS = (FOLDER / "page.css").read_text(encoding="utf-8") + timeline_row.CSS
SCRIPT = "\n".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in ("page", "bar", "clips", "history"))
CHOOSER = f"""
<p><label class="choose">Choose a file<input type="file" accept="video/*,image/gif,{",".join(SUFFIXES)},.sifa"></label>
<span class="camera"><button type="button">Use the camera</button><button type="button" hidden>Turn it off</button></span></p>
<p class="hint">A video, a GIF or a .sifa file; you can also drop it anywhere on the page.</p>
<video class="live" autoplay muted playsinline hidden></video>
<figure hidden><video controls muted playsinline aria-label="The chosen clip"></video><img alt="The chosen clip">
<figcaption></figcaption></figure>"""
CAMERA = {"video": {"width": {"ideal": 640, "max": 640}, "height": {"ideal": 480, "max": 480}}}
CARD_SIZE = 140, 105
SEA = gr.themes.Color(
    c50="#eaf6fa",
    c100="#d2ecf3",
    c200="#a8dae7",
    c300="#74c2d7",
    c400="#3fa3c0",
    c500="#1580a0",
    c600="#12708c",
    c700="#0f5d75",
    c800="#0d4c60",
    c900="#0b3e4f",
    c950="#082f3c",
)
THEME = gr.themes.Default(
    font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue=SEA
).set(body_text_color_subdued="#5b6673", body_text_color_subdued_dark="#a3aebb")


@dataclass(frozen=True)
class ClipForm:
    """A clip of one's own, and how it is sampled."""

    clip: gr.HTML
    start: gr.Number
    step: gr.Slider
    run: gr.Button


def build(
    checkpoint: Path, device: str, disk: Disk, visitors: Visitors | None = None, jobs: Jobs | None = None
) -> gr.Blocks:
    """The page; results are written to `disk`."""
    events = Events(checkpoint, device, disk, visitors or Visitors(), jobs or Jobs())
    page = gr.Blocks(title=texts.TITLE, delete_cache=(600, KEEP_SECONDS), analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML(f"<h1>{texts.TITLE}</h1>", elem_id="title")
        clip = uploaded_clip()
        link = gr.Textbox(visible=False)  # the page's hash, when it opens
        with gr.Column(elem_id="open"):  # a popover: the viewer's bar has the button that opens it
            history = history_strip()
            cards = sample_cards(events)
            form = clip_form(clip, events.usual_step)
            trace_file = gr.DownloadButton("Save the trace (.sifa)", size="sm", elem_classes="save")
            page_file = gr.DownloadButton("Save as one page (.html, works offline)", size="sm", elem_classes="save")
            with gr.Accordion("How to read this", open=False, elem_id="reading"):
                gr.Markdown(texts.HOW_TO_READ)
        with gr.Column(elem_id="said"):  # what is under way, and what went wrong, over the pictures
            status = gr.HTML(html_template='<div aria-live="polite">${value}</div>', elem_id="status")
            notice = notices()
        weights = weights_list(list(events.models))
        view = explorer(disk)
        row = timeline_row.build()
        outputs = Outputs(cards, view, status, trace_file, page_file)
        connect(page, events, form, link, weights, notice, row.choice, outputs)
        timeline_row.connect(row, Timeline(events), form.clip, [form.start, form.step], weights, outputs)
        remember(history, form, weights, row.choice, outputs)
    page.queue(
        max_size=None, default_concurrency_limit=None
    )  # who may enter is said by door.py, whose turn it is by jobs.py
    return page


def notices() -> gr.HTML:
    """What the page itself has to say: that the queue is full, or that a result has expired, with a button to run it again. It also
    passes on that the viewer asks for what-ifs."""
    return gr.HTML(
        html_template='<div class="notice" aria-live="polite"></div>',
        js_on_load=f"{call('showNotices')} // 'again' and 'select'",
        apply_default_css=False,
        elem_id="notices",
    )


def uploaded_clip() -> gr.HTML:
    """The clip of one's own, {"path": ...}, wherever on the page it was dropped or chosen; nothing of it is seen."""
    clip = gr.HTML(html_template="", js_on_load=f"{call('takeFiles')} // 'upload'", visible="hidden")
    clip.data_model = gr.FileData  # so that whoever reads a request knows that this value is a file
    return clip


def sample_cards(events: Events) -> gr.HTML:
    """One button for each sample, with a moving picture of it; the value is the number of the chosen one, or -1. The tour has a
    sample of its own, by the weights that it is about."""
    cards = "".join(
        f'<button type="button">{moving_picture(sample)}<span>{html.escape(sample.title)}</span></button>'
        for sample in events.samples
    )
    return gr.HTML(
        events.first,
        html_template=f'<p>Samples</p><div class="cards" role="group" aria-label="Samples">{cards}</div>',
        js_on_load=call("chooseCards", *events.tour),
        apply_default_css=False,
        elem_id="samples",
    )


def moving_picture(sample: Sample) -> str:
    """The sample as a small film; one frame where motion is to be reduced."""
    frames = unpack(sample.trace).clip.frames[::2]
    small = [Image.fromarray(frame) for frame in frames]
    for picture in small:
        picture.thumbnail(CARD_SIZE)
    film, still = io.BytesIO(), io.BytesIO()
    small[0].save(film, "WEBP", save_all=True, append_images=small[1:], duration=250, quality=60)
    small[len(small) // 2].save(still, "WEBP", quality=80)
    films, stills = ("data:image/webp;base64," + base64.b64encode(each.getvalue()).decode() for each in (film, still))
    return f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{stills}"><img alt="" src="{films}"></picture>'


def clip_form(clip: gr.HTML, step: float) -> ClipForm:
    """Where a clip of one's own is chosen or recorded; `step` seconds lie between its frames at first."""
    gr.HTML(
        html_template=CHOOSER,
        js_on_load=call("chooseClip", CAMERA),
        apply_default_css=False,
        elem_id="upload",
    )
    with gr.Row(elem_classes="clip-fields"):
        start = gr.Number(0, label="Start, seconds", minimum=0, step=0.5, min_width=120)
        between = gr.Slider(0.01, 1, step, step=0.001, label="Seconds from frame to frame", min_width=200)
        run = gr.Button("Run", variant="primary", elem_id="run", min_width=80)
    gr.Markdown(texts.LIMITS, elem_id="limits")
    return ClipForm(clip, start, between, run)


def weights_list(titles: list[str]) -> gr.HTML:
    """The weights to choose from, the first one chosen: the value is a title. The list itself stands in the viewer's bar."""
    return gr.HTML(
        titles[0],
        titles=titles,
        html_template="",
        js_on_load=f"{call('chooseWeights', titles)} // 'input'",
        visible="hidden",
        elem_id="weights",
    )


def explorer(disk: Disk) -> gr.HTML:
    """The canvas viewer as a component; its value names a packed trace, which the browser fetches once.

    Its source is a file of its own: Gradio goes through a component's script at every event of every visitor.
    """
    source = disk.kept("viewer") / "viewer.mjs"
    source.write_text(script(), encoding="utf-8")
    address = "gradio_api/file=" + quote(str(source), safe="/\\:")
    return gr.HTML(
        html_template="<div class='explorer-root'></div>",
        js_on_load=call("showExplorer", address),
        apply_default_css=False,
        elem_id="explorer",
    )


def history_strip() -> gr.HTML:
    """This visit's results, which the browser keeps; the value is what the page shows of one of them."""
    return gr.HTML(
        html_template='<section aria-label="Results of this visit"><p>This visit</p><ol></ol></section>',
        js_on_load=f"{call('keepHistory')} // 'input' and 'select'",
        apply_default_css=False,
        elem_id="history",
    )


def call(name: str, *arguments: Any) -> str:
    """JavaScript: a call of that function for a component, when it is there."""
    given = "".join(f", {json.dumps(each)}" for each in arguments)
    return f"{function(name)}({{ element, props, watch, trigger }}{given});"


def function(name: str) -> str:
    """JavaScript: the function of the page's scripts that has this name, as an expression."""
    return f"(() => {{\n{SCRIPT}\nreturn {name};\n}})()"


def connect(
    page: gr.Blocks,
    events: Events,
    form: ClipForm,
    link: gr.Textbox,
    weights: gr.HTML,
    notice: gr.HTML,
    choice: gr.HTML,
    outputs: Outputs,
) -> None:
    """Which event each component starts; a newer wish takes the place of one that waits."""
    upload = [form.clip, form.start, form.step, weights, choice]
    on_show = [outputs.cards, *upload]
    shown = list(outputs)
    heavy: dict[str, Any] = dict(
        outputs=shown,
        show_progress_on=[outputs.status],
        trigger_mode="multiple",
        api_visibility="private",
        preprocess=False,  # Gradio's would call ffmpeg to drop the sound, which is never read
    )
    page.load(
        events.show_first,
        [link, weights],
        [*shown, weights],
        js=function("openPage"),
        show_progress="hidden",
        api_visibility="private",
        preprocess=False,
    )
    outputs.cards.select(events.show_sample, [outputs.cards, weights], **heavy)
    form.run.click(events.run, upload, **heavy)
    notice.select(events.try_what_ifs, on_show, **heavy)
    weights.input(events.run_again, on_show, **heavy)
    notice.again(events.run_again, on_show, **heavy)
    api(events.predict, api_name="predict")


def remember(history: gr.HTML, form: ClipForm, weights: gr.HTML, choice: gr.HTML, outputs: Outputs) -> None:
    """Results are kept and brought back in the browser alone; `valuesToShow` in history.js has the same order."""
    kept = [form.clip, form.start, form.step, weights, choice]
    files = [outputs.trace_file, outputs.page_file]
    quiet: dict[str, Any] = dict(show_progress="hidden", queue=False, api_visibility="private")
    history.input(None, [outputs.cards, outputs.explorer, *files, *kept], history, js=function("valuesNow"), **quiet)
    history.select(None, history, [*outputs, *kept], js="values => values", **quiet)
