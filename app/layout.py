"""The page's components and how they are wired."""

import base64
import html
import io
import json
from pathlib import Path

import gradio as gr
from PIL import Image

from app import handlers
from app.handlers import Sample, UserError, View
from sifa.explorer import script, unpack
from sifa.weights.card import load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT

TITLE = "See how a video model follows motion"
INTRO = f"""
# {TITLE}
For every place of a frame, see where the model looked in the **next** one: nine points, each with its offset and its weight.
Choose a clip, then move over the left picture.
"""
HOW_TO_READ = """
**The question.** SIFA (stand-alone inter-frame attention) asks, for every cell of frame *t*: which places of frame *t + 1*
belong to me? The orange square is the cell that asks.

**The nine places.** They start as a regular 3 × 3 grid around the cell (small crosses). Each is moved by an offset that the
model reads off the next frame, gated by the difference between the two frames; so offsets grow where something moves. The
discs are the places that were really read, between cells if need be.

**The weights.** At each place the model compares what it finds with what the cell holds. A large weight means a good match.
These are raw products, so they can be negative and need not sum to one; the panel shows their sum.

**The blue arrow** is the weighted mean of the nine places: where the attention went. The white arrows are the same for the
whole field. In the default weights they were trained to follow the true motion of generated clips, which the paper does not do;
under "Weights" there are others that were not, for comparison.

**What if** one thing were changed: no offsets, even weights, a clip played backwards, random weights? The samples hold the
answers; for other clips the button "Try the what-ifs" works them out. A switch above the pictures then shows the answer before and
after, and the changed run's points as dashed rings.

**How far to trust it.** The panel under the pictures holds figures of each block. The model has seen generated clips of 24
motions and nothing else. On flat surfaces there is no motion to see, and the arrows there mean little. A weight says what was
read, not why the class was chosen.
"""
CHARTS = """
**Mean |offset|** is how far the nine places moved from their regular grid, in cells of that block, averaged over the frame.
**Attention entropy** is that of the nine |weights| made to sum to 1, divided by log 9: 1 means spread evenly, 0 means all on
one place. One point for each pair of successive steps.
"""
LIMITS = (
    "At most 200 MB, 20 000 frames and 9.4 million pixels a frame. The clip is decoded on the computer that runs this "
    "page, kept in a temporary folder for an hour at most, and sent nowhere else."
)
CSS = """
.gradio-container { width: 100%; max-width: 1320px !important; margin: auto; }
.main.app { padding: 16px clamp(10px, 2.5vw, 32px) !important; }
.html-container { padding: 0 !important; }
#intro h1 { font-size: 28px; margin: 4px 0; }
#intro p { font-size: 15px; max-width: 170ch; line-height: 1.5; }
#samples .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(124px, 1fr)); gap: 8px; padding: 3px; }
#samples button { display: flex; flex-direction: column; padding: 4px; text-align: left; border: 2px solid transparent;
  border-radius: 10px; color: var(--body-text-color); cursor: pointer; }
#samples button:hover { background: var(--background-fill-secondary); }
#samples button:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 1px; }
#samples button[aria-pressed=true] { border-color: var(--color-accent); background: var(--background-fill-secondary); }
#samples img { width: 100%; aspect-ratio: 16 / 10; object-fit: cover; border-radius: 6px; margin: 0; }
#samples span { font-size: 12.5px; line-height: 1.3; padding: 4px 2px 1px; }
#upload { height: auto !important; }
#upload video { max-height: 210px; }
#status [data-testid=status-tracker]:not(.hide) { background: var(--body-background-fill); opacity: 1; }
#limits p { font-size: 13px; color: var(--body-text-color-subdued); }
#charts p { font-size: 13px; color: var(--body-text-color-subdued); max-width: 110ch; }
#reading p { font-size: 14px; max-width: 92ch; }
#status { min-height: 48px; }
.row:has(> .column > #status) { align-items: center; }
#status p { margin: 0; padding: 0 2px; font-size: 13.5px; line-height: 1.5; }
#status .knows { color: var(--body-text-color-subdued); }
#status .failed { padding: 10px 14px; border-radius: 8px; font-size: 15px; color: #a3360a; background: #fdeee6; }
.dark #status .failed { color: #ffb08a; background: #43281b; }
#explorer { padding: 18px; border: 1px solid var(--border-color-primary); border-radius: 12px; min-height: 420px;
  background: var(--background-fill-primary); }
#explorer:has(.sifa-plain) { min-height: 0; }
.js-plotly-plot .modebar { display: none; }
.js-plotly-plot .cartesianlayer text { fill: var(--body-text-color) !important; }
.js-plotly-plot .infolayer text { fill: var(--body-text-color) !important; }
@media (max-width: 520px) {
  #intro h1 { font-size: 23px; }
  #samples .cards { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 2px; padding: 0; }
  #samples span { font-size: 11px; line-height: 1.2; overflow-wrap: anywhere; }
  #explorer { padding: 10px; }
}
"""  # Gradio also writes each rule with its own prefix, and inside @media only so: name nothing outside `.contain` there
SEA = gr.themes.Color(
    c50="#eaf6fa", c100="#d2ecf3", c200="#a8dae7", c300="#74c2d7", c400="#3fa3c0", c500="#1580a0", c600="#12708c",
    c700="#0f5d75", c800="#0d4c60", c900="#0b3e4f", c950="#082f3c",
)  # fmt: skip
THEME = gr.themes.Default(
    font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue=SEA
).set(body_text_color_subdued="#5b6673", body_text_color_subdued_dark="#a3aebb")
EXPLORER = """
const url = URL.createObjectURL(new Blob([%s], { type: 'text/javascript' }));
const model = {
  get: key => key === 'linked' ? true : (props.value || {})[key],
  set() {}, save_changes() {},
  on: (event, call) => { if (event === 'change:trace') watch('value', call); },
};
addEventListener('hashchange', () => location.reload()); // a link followed in place may be to another clip
import(url)
  .then(module => module.default.render({ model, el: element.querySelector('.explorer-root') }))
  .catch(error => { element.querySelector('.explorer-root').textContent = 'The explorer could not start: ' + error; });
"""
CARDS = """
const cards = [...element.querySelectorAll('button')];
const press = () => cards.forEach((card, i) => card.setAttribute('aria-pressed', i === props.value));
cards.forEach((card, index) => card.addEventListener('click', () => {
  props.value = index;
  press();
  trigger('select', { index, value: index });
}));
watch('value', press);
press();
"""


def explorer() -> gr.HTML:
    """The canvas viewer as a component; its value names a packed trace, which the browser fetches once."""
    return gr.HTML(
        html_template="<div class='explorer-root'></div>", js_on_load=EXPLORER % json.dumps(script()),
        apply_default_css=False, elem_id="explorer",
    )  # fmt: skip


def sample_cards(samples: list[Sample]) -> gr.HTML:
    """One button for each sample, with a picture of it; the value is the number of the chosen one, or -1."""
    cards = "".join(
        f'<button type="button"><img alt="" src="{thumbnail(sample)}"><span>{html.escape(sample.title)}</span></button>'
        for sample in samples
    )
    cards = f'<div class="cards" role="group" aria-label="Samples">{cards}</div>'
    return gr.HTML(0, html_template=cards, js_on_load=CARDS, apply_default_css=False, elem_id="samples")


def thumbnail(sample: Sample) -> str:
    """A frame from the middle, as a data URL."""
    frames = unpack(sample.trace).clip.frames
    picture = Image.fromarray(frames[len(frames) // 2])
    picture.thumbnail((280, 210))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def shown(view: View, chosen: int) -> tuple:
    """A view as the values of [cards, explorer, status, probabilities, blocks, trace file, page file, button of what-ifs]."""
    trace = {"trace": {"path": str(view.trace), "meta": {"_type": "gradio.FileData"}}}
    files, button = (str(view.trace), str(view.page)), gr.Button(visible=not view.what_ifs)
    return chosen, trace, view.status, view.probabilities, view.blocks, *files, button


def build(checkpoint: Path, device: str, folder: Path) -> gr.Blocks:
    """The page; results are written below `folder`."""
    samples, models = handlers.samples(), handlers.checkpoints(checkpoint)
    with gr.Blocks(
        title=TITLE, delete_cache=(600, handlers.KEEP_SECONDS), analytics_enabled=False, fill_width=True
    ) as page:
        gr.Markdown(INTRO, elem_id="intro")
        with gr.Tabs():
            with gr.Tab("Samples"):
                cards = sample_cards(samples)
            with gr.Tab("Your own clip"), gr.Row():
                video = gr.Video(
                    label="Video file or camera", sources=["upload", "webcam"], height=250, include_audio=False,
                    webcam_options=gr.WebcamOptions(mirror=False), elem_id="upload", buttons=[], min_width=300, scale=3,
                )  # fmt: skip
                with gr.Column(scale=2, min_width=300):
                    start = gr.Number(0, label="Start, seconds", minimum=0, step=0.5)
                    rate = gr.Slider(1, 16, load_card(checkpoint).sampling_rate, step=1, label="Take every n-th frame")
                    again = gr.Button("Run", variant="primary", elem_id="run")
                    gr.Markdown(LIMITS, elem_id="limits")
        with gr.Row():
            with gr.Column(scale=4, min_width=260):
                weights = gr.Dropdown(
                    list(models), value=next(iter(models)), label="Weights", elem_id="weights", visible=len(models) > 1,
                    info="The same model trained with parts left out shows what each part does.",
                )  # fmt: skip
            with gr.Column(scale=5, min_width=300):
                status = gr.HTML(elem_id="status")
                what_if = gr.Button("Try the what-ifs", elem_id="what-if", size="sm", visible=False)
        link = gr.Textbox(visible=False)  # the page's hash, when it opens
        view = explorer()
        with gr.Accordion("How to read this", open=False, elem_id="reading"):
            gr.Markdown(HOW_TO_READ)
        with gr.Row():
            probabilities = gr.Plot(show_label=False, elem_id="probabilities", min_width=300)
            blocks = gr.Plot(show_label=False, elem_id="blocks", min_width=300)
        gr.Markdown(CHARTS, elem_id="charts")
        with gr.Row():
            trace_file = gr.DownloadButton("Save the trace (.sifa)", size="sm")
            page_file = gr.DownloadButton("Save as one page (.html, works offline)", size="sm")
        outputs = [cards, view, status, probabilities, blocks, trace_file, page_file, what_if]

        def show_sample(event: gr.SelectData, weights, progress=gr.Progress()):  # noqa: B008
            return attempt(progress, event.index, lambda tell: sample_view(event.index, weights, tell))

        def show_first(link, weights, progress=gr.Progress()):  # noqa: B008
            if not samples:
                return [gr.skip()] * (len(outputs) + 1)
            index, weights = handlers.linked(link, samples, models, weights)
            return [*attempt(progress, index, lambda tell: sample_view(index, weights, tell)), weights]

        def run(clip, start, rate, weights, progress=gr.Progress()):  # noqa: B008
            return attempt(progress, -1, lambda tell: clip_view(clip, start, rate, weights, tell))

        def run_again(chosen, clip, start, rate, weights, progress=gr.Progress()):  # noqa: B008
            return once_more(progress, False, chosen, clip, start, rate, weights)

        def try_what_ifs(chosen, clip, start, rate, weights, progress=gr.Progress()):  # noqa: B008
            return once_more(progress, True, chosen, clip, start, rate, weights)

        def once_more(progress, what_if: bool, chosen: int, clip, start, rate, weights) -> list:
            if chosen >= 0:
                return attempt(progress, chosen, lambda tell: sample_view(chosen, weights, tell, what_if))
            return attempt(progress, -1, lambda tell: clip_view(clip, start, rate, weights, tell, what_if))

        def sample_view(index: int, weights: str, tell, what_if: bool = False) -> View:
            if models.get(weights) == DEFAULT_CHECKPOINT:  # whose traces are shipped, with every what-if
                return handlers.view_sample(samples[index], folder)
            clip = str(samples[index].clip)
            return handlers.view_clip(clip, 0, None, models.get(weights), device, folder, tell, what_if)

        def clip_view(clip, start: float, rate: int, weights: str, tell, what_if: bool = False) -> View:
            path = clip and clip["path"]
            return handlers.view_clip(path, start, rate, models.get(weights), device, folder, tell, what_if)

        def attempt(progress, chosen: int, make) -> list:
            """What make(tell) shows; where it fails the message, and the earlier result stays."""
            try:
                view = make(lambda share, what: progress(share, desc=what.capitalize()))
            except UserError as error:
                gr.Warning(str(error))
                return [handlers.failure(str(error)) if output is status else gr.skip() for output in outputs]
            return shown(view, chosen)

        def predict(clip: gr.FileData, start_seconds: float = 0, sampling_rate: int = 4) -> dict:
            """The five most probable motions of a clip, and the source frames that were used."""
            try:
                return handlers.answer(clip["path"], start_seconds, sampling_rate, checkpoint, device, folder)
            except UserError as error:
                raise gr.Error(str(error), print_exception=False) from error

        quiet = dict(show_progress="hidden", api_visibility="private")
        hash_then_weights = "(_, weights) => [location.hash, weights]"
        page.load(show_first, [link, weights], [*outputs, weights], js=hash_then_weights, **quiet)
        heavy = dict(
            show_progress_on=[status], concurrency_id="model", concurrency_limit=1, api_visibility="private",
            preprocess=False,  # Gradio's would call ffmpeg to drop the sound, which is never read
        )  # fmt: skip
        cards.select(show_sample, [weights], outputs, **heavy)
        gr.on([video.upload, video.stop_recording, again.click], run, [video, start, rate, weights], outputs, **heavy)
        what_if.click(try_what_ifs, [cards, video, start, rate, weights], outputs, **heavy)
        weights.input(run_again, [cards, video, start, rate, weights], outputs, trigger_mode="always_last", **heavy)
        gr.api(predict, api_name="predict", concurrency_id="model")
    return page.queue(max_size=32)
