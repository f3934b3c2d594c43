"""SIFA-Net: a ResNet over groups of four frames with stand-alone inter-frame attention, read top to bottom.

Every time step goes through the image network on its own, folded into the batch: x (B T, C, H, W). Time is crossed by SIFA
in every second bottleneck of stages 3 to 5, and by a pooled global context in the others (`c2d_sifa_resnet.py`). Parameter
names are those of torchvision's ResNet, so image checkpoints load by adding keys.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from sifa.model.attention import SIFA

TUBELET = 4  # frames that the stem makes one time step of


class Bottleneck(nn.Module):
    """1 x 1 -> 3 x 3 -> [SIFA, y = q + agg] -> 1 x 1, plus the shortcut and [the global context].

    kind "plain", "sifa", or "context": the output averaged over time and space goes through two linear layers and is added
    to every location, without a gate.
    """

    def __init__(self, inputs: int, width: int, outputs: int, stride: int, kind: str, operator: dict):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.sifa = SIFA(width, **operator) if kind == "sifa" else None
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.fc1 = nn.Linear(outputs, outputs // 16) if kind == "context" else None
        self.fc2 = nn.Linear(outputs // 16, outputs) if kind == "context" else None

    def forward(self, x: Tensor, steps: int) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        if self.sifa is not None:
            aggregated = self.sifa(rearrange(out, "(b t) c h w -> b c t h w", t=steps)).features
            out = out + rearrange(aggregated, "b c t h w -> (b t) c h w")
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        if self.fc1 is not None:
            context = self.fc2(F.relu(self.fc1(reduce(out, "(b t) c h w -> b c", "mean", t=steps))))
            shortcut = shortcut + context.repeat_interleave(steps, 0)[:, :, None, None]
        return F.relu(out + shortcut)


def stage(inputs: int, planes: int, depth: int, stride: int, width_per_group: int, sifa: bool, operator: dict):
    """A row of bottlenecks, the first one with the stride; with `sifa`, context and SIFA blocks take turns."""
    width, outputs = planes * width_per_group // 64, 4 * planes
    return nn.ModuleList(
        Bottleneck(
            inputs if i == 0 else outputs, width, outputs, stride if i == 0 else 1,
            ("context", "sifa")[i % 2] if sifa else "plain", operator,
        )
        for i in range(depth)
    )  # fmt: skip


class SIFANet(nn.Module):
    """Video (B, 3, frames, H, W), normalised -> logits (B, num_classes): the log of the mean of two heads' softmaxes.

    The second head is a copy of the last stage that keeps the resolution and sees pairs of time steps, max-pooled. The
    arguments are plain data and are kept in `self.config`: `layers` are the stages' depths, `kernel_sizes` K of the SIFA
    blocks in each stage (the first stage has none, so its entry is not used), `img_size` the side of the picture that
    `predict` feeds (the network takes any). The operator's switches are `offsets` "learned" | "zero", `saliency` "paper" |
    "released" | "none", and `weights` "dot" | "softmax".
    """

    tubelet = TUBELET

    def __init__(
        self,
        layers: tuple[int, ...] = (3, 4, 6, 3),
        width_per_group: int = 64,
        kernel_sizes: tuple[int, ...] = (1, 3, 3, 3),
        num_frames: int = 16,
        num_classes: int = 400,
        img_size: int = 224,
        dilation: int = 1,
        offsets: str = "learned",
        saliency: str = "paper",
        weights: str = "dot",
        dropout: float = 0.5,
    ):
        config = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__()
        self.config = config
        operators = [
            dict(kernel_size=k, dilation=dilation, offsets=offsets, saliency=saliency, weights=weights)
            for k in kernel_sizes
        ]
        self.conv1 = nn.Conv3d(3, 64, (TUBELET, 7, 7), stride=(TUBELET, 2, 2), padding=(0, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = stage(64, 64, layers[0], 1, width_per_group, False, operators[0])
        self.layer2 = stage(256, 128, layers[1], 2, width_per_group, True, operators[1])
        self.layer3 = stage(512, 256, layers[2], 2, width_per_group, True, operators[2])
        self.layer4 = stage(1024, 512, layers[3], 2, width_per_group, True, operators[3])
        self.layer4_dual = stage(1024, 512, layers[3], 1, width_per_group, True, operators[3])
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        self.fc_dual = nn.Linear(2048, num_classes)
        self._initialise()

    def _initialise(self) -> None:
        """Convolutions by their outputs, the last norm of a block at zero; offset convolutions stay at zero."""
        for name, module in self.named_modules():
            if isinstance(module, (nn.Conv2d, nn.Conv3d)) and "conv_offset" not in name:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif name.endswith("bn3"):
                nn.init.zeros_(module.weight)

    def heads(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, num_classes) of the main head and of the dual head."""
        if video.dim() != 5 or video.shape[1] != 3 or video.shape[2] % TUBELET or video.shape[2] < 2 * TUBELET:
            raise ValueError(
                f"the video has shape {tuple(video.shape)}; this model reads (B, 3, frames, H, W) with frames a multiple "
                f"of {TUBELET}, at least {2 * TUBELET}"
            )
        steps = video.shape[2] // TUBELET
        x = rearrange(self.conv1(video), "b c t h w -> (b t) c h w")
        x = F.max_pool2d(F.relu(self.bn1(x)), 3, stride=2, padding=1)
        for block in (*self.layer1, *self.layer2, *self.layer3):
            x = block(x, steps)
        main = x
        for block in self.layer4:
            main = block(main, steps)
        half = steps // 2
        dual = rearrange(x, "(b t) c h w -> b t c h w", t=steps)[:, : 2 * half]
        dual = reduce(dual, "b (t two) c h w -> (b t) c h w", "max", two=2)
        for block in self.layer4_dual:
            dual = block(dual, half)
        pooled = reduce(main, "(b t) c h w -> b c", "mean", t=steps), reduce(dual, "(b t) c h w -> b c", "mean", t=half)
        return self.fc(self.drop(pooled[0])), self.fc_dual(self.drop(pooled[1]))

    def forward(self, video: Tensor) -> Tensor:
        main, dual = self.heads(video)
        return torch.logaddexp(main.log_softmax(1), dual.log_softmax(1)) - math.log(2)
