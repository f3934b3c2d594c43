"""The page's components and how they are wired."""

import json
from pathlib import Path

import gradio as gr

from app import handlers
from app.handlers import Sample, UserError, View
from sifa.explorer import pack, script, unpack

TITLE = "See how a video model follows motion"
INTRO = """
# See how a video model follows motion
Choose a clip, or bring your own. For every place in a frame you see where the model looked in the **next** frame: nine
points, moved by learned offsets, each with its weight. Hover to preview, click to pin, step with the arrow keys.
"""
HOW_TO_READ = """
**The question.** SIFA (stand-alone inter-frame attention) asks, for every cell of frame *t*: which places of frame *t + 1*
belong to me? The orange square is the cell that asks.

**The nine places.** They start as a regular 3 × 3 grid around the cell (small squares). Each is moved by an offset that the
model reads off the next frame, gated by the difference between the two frames; so offsets grow where something moves. The
discs are the places that were really read, between cells if need be.

**The weights.** At each place the model compares what it finds with what the cell holds. A large weight means a good match.
These are raw products, so they can be negative and need not sum to one; the panel shows their sum.

**The blue arrow** is the weighted mean of the nine places: where the attention went. The white arrows are the same for the
whole field. They were trained to follow the true motion of generated clips, which the paper does not do.

**How far to trust it.** The model has seen generated clips of 24 motions and nothing else. On flat surfaces there is no
motion to see, and the arrows there mean little. A weight says what was read, not why the class was chosen.
"""
LIMITS = (
    "A clip may be up to 200 MB and 20 000 frames, each up to 9.4 million pixels. It is decoded on this computer, kept in a "
    "temporary folder for an hour at most, and sent nowhere."
)
CSS = """
.gradio-container { max-width: 1320px !important; margin: auto; }
#intro h1 { font-size: 30px; margin: 10px 0 4px; }
#intro p { font-size: 16px; max-width: 76ch; }
#samples { height: auto !important; }
#samples .grid-wrap { max-height: none !important; height: auto !important; min-height: 0; overflow: visible; padding: 30px 6px 6px; }
#samples .grid-container { grid-template-columns: repeat(4, minmax(0, 1fr)) !important; }
#samples .thumbnail-lg { aspect-ratio: 4 / 3; }
#samples .caption-label { max-width: 100%; white-space: normal; font-size: 12px; line-height: 1.25; padding: 3px 7px;
  bottom: 0; right: 0; left: 0; }
#status { min-height: 1.6em; }
#status .status { font-size: 14px; margin: 2px 0; }
#status .failed { font-size: 15px; margin: 2px 0; padding: 10px 14px; border-radius: 8px; color: #a3360a;
  background: #fdeee6; }
.dark #status .failed { color: #ffb08a; background: #43281b; }
#explorer { padding: 16px; border: 1px solid var(--border-color-primary); border-radius: 12px; min-height: 420px;
  background: var(--background-fill-primary); }
@media (max-width: 520px) {
  .gradio-container .main { padding-left: 10px !important; padding-right: 10px !important; }
  #samples .grid-container { grid-template-columns: repeat(2, minmax(0, 1fr)) !important; }
  #explorer { padding: 8px; }
}
"""
THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue="cyan")
ON_LOAD = """
const url = URL.createObjectURL(new Blob([%s], { type: 'text/javascript' }));
const model = {
  get: key => (props.value || {})[key],
  set() {}, save_changes() {},
  on: (event, call) => { if (event === 'change:trace') watch('value', call); },
};
import(url)
  .then(module => module.default.render({ model, el: element.querySelector('.explorer-root') }))
  .catch(error => { element.querySelector('.explorer-root').textContent = 'The explorer could not start: ' + error; });
"""


class Explorer(gr.HTML):
    """The canvas viewer as a component; its value names a packed trace, which the browser fetches once."""

    def __init__(self, **kwargs):
        super().__init__(
            html_template="<div class='explorer-root'></div>",
            js_on_load=ON_LOAD % json.dumps(script()),
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self):
        return {"type": "object"}


def file_value(path: Path) -> dict:
    return {"trace": {"path": str(path), "meta": {"_type": "gradio.FileData"}}}


def shown(view: View) -> tuple:
    """A view as the values of [explorer, status, probabilities, blocks, trace file, page file]."""
    return file_value(view.trace), view.status, view.probabilities, view.blocks, str(view.trace), str(view.page)


def thumbnail(sample: Sample):
    frames = unpack(sample.trace).clip.frames
    return frames[len(frames) // 2], sample.title


def build(checkpoint: Path, device: str, folder: Path) -> gr.Blocks:
    """The page; results are written below `folder`."""
    samples = handlers.samples()
    with gr.Blocks(title=TITLE, delete_cache=(3600, 3600), analytics_enabled=False) as page:
        gr.Markdown(INTRO, elem_id="intro")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                gallery = gr.Gallery(
                    [thumbnail(sample) for sample in samples], label="Samples", columns=4, height="auto",
                    object_fit="cover", allow_preview=False, selected_index=0 if samples else None, elem_id="samples",
                    buttons=[],
                )  # fmt: skip
            with gr.Column(scale=2, min_width=300):
                video = gr.Video(
                    label="Your own clip", sources=["upload", "webcam"], height=214, include_audio=True,
                    webcam_options=gr.WebcamOptions(mirror=False), elem_id="upload", buttons=[],
                )  # fmt: skip
                with gr.Row():
                    start = gr.Number(0, label="Start, seconds", minimum=0, step=0.5, min_width=90)
                    rate = gr.Slider(1, 16, 4, step=1, label="Take every n-th frame", min_width=150)
                    again = gr.Button("Run", variant="primary", min_width=70, elem_id="run")
        status = gr.HTML("", elem_id="status")
        explorer = Explorer(elem_id="explorer")
        with gr.Row():
            probabilities = gr.Plot(show_label=False, elem_id="probabilities", min_width=330)
            blocks = gr.Plot(show_label=False, elem_id="blocks", min_width=330)
        with gr.Row():
            trace_file = gr.DownloadButton("Save the trace (.sifa)")
            page_file = gr.DownloadButton("Save as one page (.html, works offline)")
        with gr.Accordion("How to read this", open=False):
            gr.Markdown(HOW_TO_READ)
        gr.Markdown(LIMITS, elem_id="limits")
        outputs = [explorer, status, probabilities, blocks, trace_file, page_file]

        def show_sample(event: gr.SelectData):
            return shown(handlers.view_sample(samples[event.index], folder))

        def show_first():
            return shown(handlers.view_sample(samples[0], folder)) if samples else [gr.skip()] * len(outputs)

        def run(clip, start_seconds, sampling_rate, progress=gr.Progress()):  # noqa: B008
            try:
                prediction = handlers.run(
                    clip, start_seconds or 0, sampling_rate, checkpoint, device,
                    lambda share, what: progress(share, desc=what.capitalize()),
                )  # fmt: skip
            except UserError as error:
                gr.Warning(str(error), title="That did not work")
                return [gr.skip(), failure(str(error)), *[gr.skip()] * (len(outputs) - 2)]
            return shown(handlers.view(pack(prediction), prediction, folder))

        quiet = dict(show_progress="hidden", api_visibility="private")
        page.load(show_first, None, outputs, **quiet)
        gallery.select(show_sample, None, outputs, **quiet)
        gr.on(
            [video.upload, video.stop_recording, again.click], run, [video, start, rate], outputs,
            show_progress_on=[status], concurrency_id="model", concurrency_limit=1, api_visibility="private",
        )  # fmt: skip

        def predict(clip: gr.FileData, start_seconds: float = 0, sampling_rate: int = 4) -> dict:
            """The five most probable motions of a clip, and the source frames that were used."""
            try:
                return handlers.answer(clip["path"], checkpoint, device, start_seconds, sampling_rate)
            except UserError as error:
                raise gr.Error(str(error)) from error

        gr.api(predict, api_name="predict", concurrency_id="model")
    return page.queue(max_size=32)


def failure(message: str) -> str:
    """An error that stays readable; the earlier result is untouched."""
    return f'<p class="failed" role="alert">{handlers.html.escape(message)}</p>'
