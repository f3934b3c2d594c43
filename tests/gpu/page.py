"""The real page with its model on the device, over HTTP."""

import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import torch

import sifa
from sifa import explorer
from sifa.tracing.predict import RAN_ON_CPU
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.app.program import program
from tests.app.visitor import Visitor, status_of
from tests.clips import write_clip
from tests.gpu.answers import same
from tests.gpu.report import Report, Setting
from tests.predictions import moving_clip

FEW, MANY = 5, 25  # clips
ADDRESSES = 16  # of visitors: each may run so many clips a second
SLACK = 64 << 20  # bytes of the card: what the driver gives in pieces
FULL = 96 << 20  # bytes that are left of a full card: fewer than a process needs to begin there


def check(report: Report, setting: Setting) -> None:
    """Start, one clip, what it shows, then many; and a page that starts on a full card."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        clip = write_clip(place / "moving.mp4", moving_clip(64).frames, fps=30)
        with report.case("page"):
            usual(report, setting, place, clip)
        if not setting.gpu:
            report.skip("full card", "it is about the GPU's memory")
        elif report.has("full card", 25):
            with report.case("full card"):
                full(report, setting, place, clip)


def usual(report: Report, setting: Setting, place: Path, clip: Path) -> None:
    home = place / "usual"
    home.mkdir()
    began = time.monotonic()
    with program(home, "--device", setting.device) as page:
        report.figure("start, seconds", time.monotonic() - began)
        took, values = one_clip(page.url, clip, 0)
        report.figure("first clip, seconds", took, "the model and the device are loaded")
        report.holds("the status names the clip", clip.name in status_of(values), status_of(values)[:80])
        report.holds("it does not speak of the CPU", RAN_ON_CPU not in status_of(values))
        with urlopen(trace_of(page.url, values)) as answer:
            shown = explorer.unpack(answer.read())
        model = sifa.load()
        same(report, "trace over HTTP", shown, sifa.predict(model, model.card.read(clip)), packed=True)
        if not setting.gpu:
            report.skip("many clips", "it is about the GPU's memory")
            return
        used, times = {}, []
        for number in range(1, MANY + 1):
            if report.left < 30:
                report.skip("the other clips", f"{number - 1} were run in the time that was there")
                break
            times.append(one_clip(page.url, clip, number)[0])
            free, whole = torch.cuda.mem_get_info()
            used[number] = whole - free
        report.figure("a clip, seconds", sorted(times)[len(times) // 2], f"median of {len(times)}")
        report.figure(f"MiB of the card after {FEW} clips", used[FEW] / 2**20)
        report.most(f"more bytes of the card after {max(used)} clips", used[max(used)] - used[FEW], SLACK)


def one_clip(url: str, clip: Path, number: int) -> tuple[float, list[object]]:
    """Seconds from the upload to the answer, and the values of the outputs."""
    visitor = Visitor(url, f"127.0.1.{1 + number % ADDRESSES}")
    visitor.find_functions()
    began = time.monotonic()
    values = visitor.run(visitor.upload(clip), 0, 4 / 30)
    return time.monotonic() - began, values


def trace_of(url: str, values: list[object]) -> str:
    """Where the packed trace of an answer is."""
    (found,) = [value for value in values if isinstance(value, dict) and "trace" in (value.get("value") or value)]
    return url + "/gradio_api/file=" + str((found.get("value") or found)["trace"]["path"])


def full(report: Report, setting: Setting, place: Path, clip: Path) -> None:
    """Others have taken nearly all of the card before the page starts."""
    home = place / "full"
    home.mkdir()
    free, _ = torch.cuda.mem_get_info()
    taken: list[torch.Tensor] = [torch.empty(free - FULL, dtype=torch.uint8, device="cuda")]
    with program(home, "--device", setting.device, weights=DEFAULT_CHECKPOINT) as page:
        said = status_of(one_clip(page.url, clip, 0)[1])
        report.holds("full card: the clip runs on the CPU and the page says so", RAN_ON_CPU in said, said[:80])
        taken.clear()
        torch.cuda.empty_cache()
        said = status_of(one_clip(page.url, clip, 1)[1])
        report.holds("full card: once there is memory, it runs on the card", RAN_ON_CPU not in said, said[:80])
