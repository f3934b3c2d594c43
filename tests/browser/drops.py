"""Files held over a page and dropped there, as real drag events with a real DataTransfer."""

import base64

HOLD = """([files, place]) => {
  const held = window.held = new DataTransfer();
  for (const [name, type, bytes] of files) {
    held.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name, { type }));
  }
  for (const each of ['dragenter', 'dragover']) document.querySelector(place).dispatchEvent(
    new DragEvent(each, { dataTransfer: held, bubbles: true, cancelable: true }));
}"""
LET_GO = """([name, place]) => document.querySelector(place).dispatchEvent(
  new DragEvent(name, { dataTransfer: window.held, bubbles: true, cancelable: true }))"""


def hold(page, *files, place="#title"):
    """Hold files over an element of the page."""
    types = {".gif": "image/gif", ".mp4": "video/mp4"}
    content = [(each.name, types.get(each.suffix, ""), base64.b64encode(each.read_bytes()).decode()) for each in files]
    page.evaluate(HOLD, [content, place])


def drop(page, *files, place="#title"):
    """Drop files there; the page takes the event for itself."""
    hold(page, *files, place=place)
    assert not page.evaluate(LET_GO, ["drop", place]), "the browser would have opened the file"


def leave(page, place="#title"):
    """Hold them elsewhere, out of the window."""
    page.evaluate(LET_GO, ["dragleave", place])
