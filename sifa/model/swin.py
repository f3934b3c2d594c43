"""SIFA-Transformer: a Swin Transformer over tubelets with stand-alone inter-frame attention, read top to bottom.

Every frame goes through window attention on its own; time is crossed by SIFA in the blocks whose windows are not
shifted and by a 3-tap temporal convolution in the shifted ones (`c2d_sifa_swin.py`). Activations are channels-last:
x (B, T, H, W, C), with T the tubelet steps. Parameter names of the backbone are those of image Swin checkpoints.
"""

from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sifa.model.attention import SIFA
from sifa.model.config import SwinConfig
from sifa.model.steps import MeanOverSteps


class TubeletEmbedding(nn.Module):
    """Video (B, 3, frames, S, S) -> (B, T, H, W, C) by a convolution whose kernel equals its stride.

    With `overlap`, the kernel is twice as long in every direction and reaches into the neighbouring tubelets. With
    `rectified`, the normalised response is split into its positive and negative parts and mixed linearly, so that
    quadrature pairs of space-time filters add up to motion energy. `patch_norm` only normalises. The stem "frame" sees the
    middle frame of each tubelet alone.
    """

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        t, p, channels = config.tubelet, config.patch_size, config.embed_dim
        size, padding = ((2 * t, 2 * p, 2 * p), (t // 2, p // 2, p // 2)) if config.overlap else ((t, p, p), (0, 0, 0))
        self.every = 1
        if config.stem == "frame":
            self.every, t = t, 1
            size, padding = (1, *size[1:]), (0, *padding[1:])
        self.proj = nn.Conv3d(3, channels, size, stride=(t, p, p), padding=padding)
        self.norm = nn.LayerNorm(channels) if config.rectified or config.patch_norm else nn.Identity()
        self.mix = nn.Linear(2 * channels, channels) if config.rectified else None

    def forward(self, video: Tensor) -> Tensor:
        video = video[:, :, self.every // 2 :: self.every]
        x: Tensor = self.norm(rearrange(self.proj(video), "b c t h w -> b t h w c"))
        if self.mix is not None:
            x = self.mix(torch.cat([x.relu(), (-x).relu()], -1))
        return x


def relative_position_index(window: int) -> Tensor:
    """(w*w, w*w) row of the bias table for each pair of places in a window."""
    at = torch.cartesian_prod(torch.arange(window), torch.arange(window))
    y, x = (at[:, None] - at[None] + window - 1).unbind(-1)
    return y * (2 * window - 1) + x


def shifted_window_mask(resolution: int, window: int, shift: int) -> Tensor:
    """(windows, w*w, w*w): 0 where two places of a rolled window were neighbours before rolling, -100 elsewhere."""
    band = torch.zeros(resolution, dtype=torch.long)
    band[-window:-shift] = 1
    band[-shift:] = 2
    region = rearrange(band[:, None] * 3 + band, "(i y) (j x) -> (i j) (y x)", y=window, x=window)
    return (region[:, None] != region[:, :, None]).float() * -100.0


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows of each frame, with relative position bias; windows may be shifted."""

    index: Tensor
    mask: Tensor | None

    def __init__(self, channels: int, resolution: int, window: int, shift: int, num_heads: int) -> None:
        super().__init__()
        self.window, self.shift, self.num_heads = window, shift, num_heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("index", relative_position_index(window), persistent=False)
        mask = shifted_window_mask(resolution, window, shift) if shift else None
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        b, t, h, w, c = x.shape
        if self.shift:
            x = x.roll((-self.shift, -self.shift), (2, 3))
        qkv = rearrange(
            self.qkv(x),
            "b t (i y) (j x) (three heads d) -> three (b t) (i j) heads (y x) d",
            y=self.window,
            x=self.window,
            three=3,
            heads=self.num_heads,
        )
        q, k, v = qkv.unbind()
        bias = self.relative_position_bias_table[self.index].permute(2, 0, 1)  # (heads, w*w, w*w)
        if self.mask is not None:
            bias = bias + self.mask[:, None]  # (windows, heads, w*w, w*w)
        weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias).softmax(-1)
        x = rearrange(
            weights @ v,
            "(b t) (i j) heads (y x) d -> b t (i y) (j x) (heads d)",
            b=b,
            i=h // self.window,
            y=self.window,
        )
        out: Tensor = self.proj(x)
        return out.roll((self.shift, self.shift), (2, 3)) if self.shift else out


class Mlp(nn.Module):
    """Two linear layers with a GELU between them, for each place on its own."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class TemporalConv(nn.Module):
    """x + a 3-tap convolution over time, all channels to all channels, no bias; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        past, now, future = F.linear(x, rearrange(self.weight, "o i k -> (k o) i")).chunk(3, -1)
        out = x + now
        out[:, 1:] += past[:, :-1]
        out[:, :-1] += future[:, 1:]
        return out


class SIFALayer(nn.Module):
    """SIFA at its place in the block: "inside" the attention residual (paper, figure 4b) or as a "branch" (released).

    inside: y = q + agg, added to the shortcut with the window attention. branch: x + LayerNorm(agg), the norm's weights
    starting at zero, or at `norm_start`.
    """

    def __init__(self, config: SwinConfig, stage: int, block: int) -> None:
        super().__init__()
        channels = config.channels(stage)
        self.sifa = SIFA(
            channels, config.kernel(stage), config.spacing(stage), config.offsets, config.saliency, config.weights,
            config.position, config.projected,
        )  # fmt: skip
        self.sifa.placement, self.sifa.stage, self.sifa.block = config.placement, stage, block
        self.norm = None
        if config.placement == "branch":
            self.norm = nn.LayerNorm(channels)
            nn.init.constant_(self.norm.weight, config.norm_start)

    def forward(self, x: Tensor) -> Tensor:
        out = self.sifa(rearrange(x, "b t h w c -> b c t h w"))
        aggregated: Tensor = rearrange(out.features, "b c t h w -> b t h w c")
        if self.norm is not None:
            aggregated = self.norm(aggregated)
        return x + aggregated


class DropPath(nn.Module):
    """In training, leaves a residual out for a share of the clips and scales the others up (stochastic depth)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        keep = x.new_empty(len(x), *(1,) * (x.dim() - 1)).bernoulli_(1 - self.share)
        return x * (keep / (1 - self.share))


class Block(nn.Module):
    """Window attention, a temporal module, and an MLP, each on a residual."""

    def __init__(self, config: SwinConfig, stage: int, block: int, drop_path: float) -> None:
        super().__init__()
        channels, resolution = config.channels(stage), config.resolution(stage)
        window, shift = config.window(stage), config.shift(stage, block)
        temporal = config.shifted if shift else config.unshifted
        self.inside = temporal == "sifa" and config.placement == "inside"
        self.drop_path = DropPath(drop_path)
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, resolution, window, shift, config.num_heads[stage])
        self.temporal: SIFALayer | TemporalConv | nn.Identity
        match temporal:
            case "sifa":
                self.temporal = SIFALayer(config, stage, block)
            case "conv":
                self.temporal = TemporalConv(channels)
            case "none":
                self.temporal = nn.Identity()
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * config.mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        attended = self.attn(self.norm1(x))
        x = x + self.drop_path(self.temporal(attended) if self.inside else attended)
        if not self.inside:
            x = self.temporal(x)
        changed: Tensor = self.drop_path(self.mlp(self.norm2(x)))
        return x + changed


class PatchMerging(nn.Module):
    """2 x 2 neighbours -> one cell with twice the channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        merged = self.norm(rearrange(x, "b t (h y) (w x) c -> b t h w (x y c)", y=2, x=2))
        out: Tensor = self.reduction(merged)
        return out


class Stage(nn.Module):
    """A row of blocks, the odd ones with shifted windows, and the merging to the next stage."""

    def __init__(self, config: SwinConfig, stage: int, drop_paths: list[float]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(config, stage, i, drop_path) for i, drop_path in enumerate(drop_paths))
        last = stage == len(config.depths) - 1
        self.downsample = nn.Identity() if last else PatchMerging(config.channels(stage))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.downsample(x)
        return out


class SIFATransformer(nn.Module):
    """Video (B, 3, num_frames, img_size, img_size), normalised -> logits (B, num_classes), the mean over time steps.

    The arguments, explained at `sifa.model.config.SwinConfig`, are kept in `self.config`.
    """

    variant = "sifa_swin"  # the name that `create_model` made it by
    card: Any = None  # what its weights are (`sifa.weights.card.ModelCard`); None: untrained

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config, self.tubelet = config, config.tubelet
        self.patch_embed = TubeletEmbedding(config)
        shares = torch.linspace(0, config.drop_path, sum(config.depths), device="cpu")
        drop_paths = torch.split(shares, list(config.depths))
        self.layers = nn.ModuleList(Stage(config, i, each.tolist()) for i, each in enumerate(drop_paths))
        channels = config.channels(len(config.depths) - 1)
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, config.num_classes)
        self.over_steps = MeanOverSteps()

    def forward(self, video: Tensor) -> Tensor:
        tubelet, size = self.tubelet, self.config.img_size
        if video.dim() != 5 or video.shape[1] != 3 or video.shape[2] % tubelet or video.shape[3:] != (size, size):
            raise ValueError(
                f"the video has shape {tuple(video.shape)}; this model reads (B, 3, frames, {size}, {size}) with frames "
                f"a multiple of {tubelet}"
            )
        x = self.patch_embed(video)
        for stage in self.layers:
            x = stage(x)
        logits: Tensor = self.over_steps(self.head(self.norm(x).mean((2, 3))))  # the mean of (B, T, num_classes)
        return logits
