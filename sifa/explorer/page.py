"""The viewer's script, and the single-file page that holds script and trace."""

import base64
import html
import json
import re
from functools import cache
from pathlib import Path

from sifa.explorer.format.prune import deflate, fit, lighten

FOLDER = Path(__file__).parent / "viewer"
MODULES = (  # in the order of their imports
    "decode",
    "geometry",
    "fields",
    "tracks",
    "terms",
    "palette",
    "state",
    "words",
    "template",
    "draw",
    "marks",
    "film",
    "panel",
    "readers",
    "chart",
    "equation",
    "sheet",
    "views",
    "heat",
    "layers",
    "whatif",
    "trust",
    "tour",
    "actions",
    "pictures",
    "inputs",
    "link",
    "files",
    "gif",
    "svg",
    "exports",
    "share",
    "explorer",
)
STYLES = "viewer.css", "share.css", "tour.css"
LEFT_OUT = re.compile(  # imports, comments, indentation, empty lines, and line ends that mean nothing
    r"^import [^;]*;\n|^ *//.*\n|^ */\*\*[\s\S]*?\*/\n|(?<=[;,{})\]]) +// .*$|\n *(?=[}\]])|^ +|^\n|(?<=[;{])\n",
    re.MULTILINE,
)
SPACED = re.compile(r" (=>|[=!]==|&&|\|\||\?\?|[<>]=|\*\*|[-+*/]=) ")  # operators that stand in no text
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

LIGHT_NOTE = (
    '\n<p style="font: 14px system-ui">This is a light page: of each stage it holds the first block only, of what-ifs the '
    "answers without their points, and its pictures may be smaller. The full page holds more.</p>"
)


@cache
def script() -> str:
    """The viewer as one ES module: default export {render({model, el})}, as anywidget calls it.

    The modules of viewer/ are joined in order without imports, the style becomes a constant, and comments,
    indentation and most line ends go. The Gradio page, Jupyter and the single file all run these very bytes.
    """
    style = "".join((FOLDER / name).read_text(encoding="utf-8") for name in STYLES)
    style = re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", re.sub(r"\s+", " ", style))
    parts = [f"const STYLE = {json.dumps(style)};"]
    for name in MODULES:
        source = (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
        parts.append(SPACED.sub(r"\1", LEFT_OUT.sub("", source)))
    return "\n".join(parts)


def to_html(packed: bytes, title: str = "SIFA explorer", *, light: bool = False) -> str:
    """A page in one file that explores a packed trace, with no network and no server; its hash carries the view.

    The trace travels deflated. `light` keeps only the first block of each stage and no points of what-ifs, for models
    with many blocks; without it, points of what-ifs are left out only where the page would be larger than 10 MB. The
    page says what is missing.
    """
    trace = base64.b64encode(deflate(lighten(packed) if light else fit(packed))).decode()
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{html.escape(title)}</title>
<style>:root {{ color-scheme: light dark }} body {{ margin: 0; padding: 16px; background: Canvas }}
main {{ max-width: 1240px; margin: auto }} main:has(.sifa-slide) {{ max-width: none }}
h1 {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}</style>
</head>
<body>
<main>
<h1>{html.escape(title)}</h1>
<div id="explorer"></div>{LIGHT_NOTE if light else ""}
</main>
<script type="text/plain" id="trace">{trace}</script>
<script type="module">
{script()}
const el = document.getElementById('explorer');
if (!window.DecompressionStream) el.textContent = 'This browser is too old for the page; one of 2023 or later shows it.';
const bytes = Uint8Array.from(atob(document.getElementById('trace').textContent), c => c.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
const trace = await new Response(stream).arrayBuffer();
const model = {{ get: key => ({{ trace, linked: true }})[key], set() {{}}, on() {{}}, save_changes() {{}} }};
explorer.render({{ model, el }}).then(() => el.firstChild.focus({{ preventScroll: true }}));
</script>
</body>
</html>
"""
