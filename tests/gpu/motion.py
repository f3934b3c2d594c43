"""Generated clips whose pictures are made on the device: those of the CPU, and how many a second."""

import time

import torch

from sifa.data.motion import CLASSES, MotionClips, balanced_labels, true_flow
from tests.gpu.report import Report, Setting

SIZE, FRAMES, BATCH = 64, 16, 8
LEVELS = 2 / 255  # mean difference of pictures, whose range is 1: edges of objects may fall on the other side
OWNERS = 0.002  # share of pixels
CELLS = 1e-3


def check(report: Report, setting: Setting) -> None:
    """The same seeds on both, plain and worn; then the rate."""
    rounds = 1 if setting.small else 3
    for worn in (False, True):
        words = "worn clips" if worn else "clips"
        with report.case(words):
            here, there = (
                MotionClips("train", SIZE, FRAMES, seed=1, worn=worn, device=device)
                for device in ("cpu", setting.device)
            )
            for index in range(rounds):
                labels = balanced_labels(BATCH * rounds)[BATCH * index :][:BATCH]
                one, two = here.batch(index, labels), there.batch(index, labels)
                apart = (one.video - two.video.cpu()).abs().mean().item()
                report.most(f"{words} {index}: mean difference", apart, LEVELS)
                assert one.owner is not None
                assert two.owner is not None
                report.most(
                    f"{words} {index}: other owners", (one.owner != two.owner.cpu()).float().mean().item(), OWNERS
                )
                if not worn:
                    (flow, seen), (other, also) = true_flow(one, 2, 16), true_flow(two, 2, 16)
                    both = (seen & also.cpu())[:, :, None].expand_as(flow)
                    report.most(
                        f"{words} {index}: true flow, cells", (flow - other.cpu())[both].abs().max().item(), CELLS
                    )
            if worn:
                rate(report, setting, there)


def rate(report: Report, setting: Setting, clips: MotionClips) -> None:
    batch, count = (BATCH, 1) if setting.small else (64, 10)
    labels = torch.arange(batch) % len(CLASSES)
    clips.batch(0, labels)
    synchronise(setting)
    began = time.monotonic()
    for index in range(count):
        clips.batch(1 + index, labels)
    synchronise(setting)
    report.figure(f"worn clips a second, {batch} at a time", batch * count / (time.monotonic() - began))


def synchronise(setting: Setting) -> None:
    if setting.gpu:
        torch.cuda.synchronize()
