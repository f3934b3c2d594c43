"""SIFA-Net: a ResNet over groups of four frames with stand-alone inter-frame attention, read top to bottom.

Every time step goes through the image network on its own, folded into the batch: x (B T, C, H, W). Time is crossed by SIFA
in every second bottleneck of stages 3 to 5, and by a pooled global context in the others (`c2d_sifa_resnet.py`). Parameter
names are those of torchvision's ResNet, so image checkpoints load by adding keys.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from sifa.model.attention import SIFA
from sifa.model.config import RESNET_TUBELET as TUBELET
from sifa.model.config import ResNetConfig


class Bottleneck(nn.Module):
    """1 x 1 -> 3 x 3 -> [SIFA, y = q + agg] -> 1 x 1, plus the shortcut and [the global context].

    From stage 2 on, blocks with an even number have the context and those with an odd number have SIFA. Context: the output
    averaged over time and space goes through two linear layers and is added to every location, without a gate.
    """

    def __init__(self, config: ResNetConfig, stage: int, block: int, inputs: int, stride: int) -> None:
        super().__init__()
        planes = 32 * 2**stage
        width, outputs = planes * config.width_per_group // 64, 4 * planes
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.sifa = None
        if stage > 1 and block % 2:
            self.sifa = SIFA(
                width, config.kernel_sizes[stage - 1], config.dilation, config.offsets, config.saliency, config.weights
            )
            self.sifa.placement, self.sifa.stage, self.sifa.block = "inside", stage, block
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.fc1 = self.fc2 = None
        if stage > 1 and block % 2 == 0:
            self.fc1, self.fc2 = nn.Linear(outputs, outputs // 16), nn.Linear(outputs // 16, outputs)

    def forward(self, x: Tensor, steps: int) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        if self.sifa is not None:
            aggregated = self.sifa(rearrange(out, "(b t) c h w -> b c t h w", t=steps)).features
            out = out + rearrange(aggregated, "b c t h w -> (b t) c h w")
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        if self.fc1 is not None and self.fc2 is not None:
            context = self.fc2(F.relu(self.fc1(reduce(out, "(b t) c h w -> b c", "mean", t=steps))))
            shortcut = shortcut + context.repeat_interleave(steps, 0)[:, :, None, None]
        return F.relu(out + shortcut)


def make_stage(config: ResNetConfig, number: int, inputs: int, stride: int) -> nn.ModuleList:
    """A row of bottlenecks, the first one with the stride."""
    outputs = 128 * 2**number
    rest = range(1, config.layers[number - 1])
    return nn.ModuleList(
        [Bottleneck(config, number, 0, inputs, stride), *(Bottleneck(config, number, i, outputs, 1) for i in rest)]
    )


class SIFANet(nn.Module):
    """Video (B, 3, frames, H, W), normalised -> logits (B, num_classes): the log of the mean of two heads' softmaxes.

    The second head is a copy of the last stage that keeps the resolution and sees pairs of time steps, max-pooled. The
    arguments (`sifa.model.config.ResNetConfig`) are kept in `self.config`.
    """

    tubelet = TUBELET
    variant = "sifa_resnet"  # the name that `create_model` made it by
    card: Any = None  # what its weights are (`sifa.weights.card.ModelCard`); None: untrained

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.conv1 = nn.Conv3d(3, 64, (TUBELET, 7, 7), stride=(TUBELET, 2, 2), padding=(0, 3, 3), bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = make_stage(config, 1, 64, 1)
        self.layer2 = make_stage(config, 2, 256, 2)
        self.layer3 = make_stage(config, 3, 512, 2)
        self.layer4 = make_stage(config, 4, 1024, 2)
        self.layer4_dual = make_stage(config, 4, 1024, 1)
        self.drop = nn.Dropout(config.dropout)
        self.fc = nn.Linear(2048, config.num_classes)
        self.fc_dual = nn.Linear(2048, config.num_classes)
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
