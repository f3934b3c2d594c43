"""The viewer's script, and the single-file page that holds script and trace."""

import base64
import html
from functools import cache
from pathlib import Path

from sifa.explorer.format.prune import MOST, MOST_LIGHT, deflate, fit, lighten

FOLDER = Path(__file__).parent / "viewer"
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

LIGHT_NOTE = (
    '\n<p style="font: 14px system-ui">This is a light page: of each stage it holds one block only, of what-ifs the '
    "answers without their points, and its pictures may be smaller. The full page holds more.</p>"
)


@cache
def script() -> str:
    """The viewer as one ES module: default export {render({model, el})}, as anywidget calls it.

    `make viewer` bundles it from the modules of viewer/. The Gradio page, Jupyter and the single file all run these very
    bytes; where they stand in a page's own module, the name `explorer` is the export.
    """
    return (FOLDER / "bundle.js").read_text(encoding="utf-8")


def to_html(packed: bytes, compared: bytes | None = None, *, title: str = "SIFA explorer", light: bool = False) -> str:
    """A page in one file that explores a packed trace, with no network and no server; its hash carries the view.

    With a second packed trace, `compared`, it opens with both side by side: two sets of weights on one clip, or two clips.
    Each then has half of the room.

    The traces travel deflated. `light` keeps only one block of each stage and no points of what-ifs, for models with many
    blocks; without it, points of what-ifs are left out only where the page would be larger than 10 MB. The page says what
    is missing. Bytes of a file's name in the title that are not UTF-8 become question marks.
    """
    title = html.escape(title.encode(errors="replace").decode())
    traces = {"trace": packed} | ({} if compared is None else {"compared": compared})
    carried = "\n".join(
        f'<script type="text/plain" id="{name}">{_carried(each, light, len(traces))}</script>'
        for name, each in traces.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}</title>
<style>:root {{ color-scheme: light dark }} body {{ margin: 0; background: Canvas }}
h1 {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}</style>
</head>
<body>
<main>
<h1>SIFA explorer</h1>
<div id="explorer"></div>{LIGHT_NOTE if light else ""}
</main>
{carried}
<script type="module">
{script()}
const el = document.getElementById('explorer');
if (!window.DecompressionStream) el.textContent = 'This browser is too old for the page; one of 2023 or later shows it.';
const carried = async id => {{
  const place = document.getElementById(id);
  if (!place) return null;
  const bytes = Uint8Array.from(atob(place.textContent), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer();
}};
const [trace, compared] = await Promise.all(['trace', 'compared'].map(carried));
const model = {{ get: key => ({{ trace, compared, linked: true }})[key], set() {{}}, on() {{}}, save_changes() {{}} }};
explorer.render({{ model, el }}).then(() => el.firstChild.focus({{ preventScroll: true }}));
</script>
</body>
</html>
"""


def _carried(packed: bytes, light: bool, share: int) -> str:
    """A packed trace as a page carries it, with one `share`-th of the page's room."""
    small = lighten(packed, MOST_LIGHT // share) if light else fit(packed, MOST // share)
    return base64.b64encode(deflate(small)).decode()
