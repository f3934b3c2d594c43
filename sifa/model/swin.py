"""SIFA-Transformer: a Swin Transformer over tubelets with stand-alone inter-frame attention, read top to bottom.

Every frame goes through window attention on its own; time is crossed by SIFA in the blocks whose windows are not
shifted and by a 3-tap temporal convolution in the shifted ones (`c2d_sifa_swin.py`). Activations are channels-last:
x (B, T, H, W, C), with T the tubelet steps. Parameter names of the backbone are those of image Swin checkpoints.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sifa.model.attention import SIFA


class TubeletEmbedding(nn.Module):
    """Video (B, 3, frames, S, S) -> (B, T, H, W, C) by a convolution whose kernel equals its stride.

    With `overlap`, the kernel is twice as long in every direction and reaches into the neighbouring tubelets. With
    `rectified`, the normalised response is split into its positive and negative parts and mixed linearly, so that
    quadrature pairs of space-time filters add up to motion energy. `patch_norm` only normalises.
    """

    def __init__(self, tubelet: int, patch_size: int, embed_dim: int, rectified: bool, overlap: bool, patch_norm: bool):
        super().__init__()
        stride = (tubelet, patch_size, patch_size)
        size, padding = (tuple(2 * s for s in stride), tuple(s // 2 for s in stride)) if overlap else (stride, 0)
        self.proj = nn.Conv3d(3, embed_dim, size, stride=stride, padding=padding)
        self.norm = nn.LayerNorm(embed_dim) if rectified or patch_norm else nn.Identity()
        self.mix = nn.Linear(2 * embed_dim, embed_dim) if rectified else None

    def forward(self, video: Tensor) -> Tensor:
        x = self.norm(rearrange(self.proj(video), "b c t h w -> b t h w c"))
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

    def __init__(self, channels: int, resolution: int, window: int, shift: int, num_heads: int):
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
        x = self.proj(x)
        return x.roll((self.shift, self.shift), (2, 3)) if self.shift else x


class Mlp(nn.Module):
    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class TemporalConv(nn.Module):
    """x + a 3-tap convolution over time, all channels to all channels, no bias; starts as the identity."""

    def __init__(self, channels: int):
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

    inside: y = q + agg, added to the shortcut with the window attention. branch: x + LayerNorm(agg), the norm starting at
    zero.
    """

    def __init__(self, channels: int, placement: str, **operator):
        super().__init__()
        self.sifa = SIFA(channels, **operator)
        self.norm = None
        if placement == "branch":
            self.norm = nn.LayerNorm(channels)
            nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        out = self.sifa(rearrange(x, "b t h w c -> b c t h w"))
        aggregated = rearrange(out.features, "b c t h w -> b t h w c")
        if self.norm is None:
            return x + aggregated
        return x + self.norm(aggregated)


class DropPath(nn.Module):
    """In training, leaves a residual out for a share of the clips and scales the others up (stochastic depth)."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        keep = x.new_empty(len(x), *(1,) * (x.dim() - 1)).bernoulli_(1 - self.share)
        return x * (keep / (1 - self.share))


class Block(nn.Module):
    """Window attention, a temporal module, and an MLP, each on a residual."""

    def __init__(
        self, channels: int, resolution: int, num_heads: int, window: int, shift: int, mlp_ratio: float,
        temporal: str, placement: str, operator: dict, drop_path: float,
    ):  # fmt: skip
        super().__init__()
        self.inside = temporal == "sifa" and placement == "inside"
        self.drop_path = DropPath(drop_path)
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, resolution, window, shift, num_heads)
        match temporal:
            case "sifa":
                self.temporal = SIFALayer(channels, placement, **operator)
            case "conv":
                self.temporal = TemporalConv(channels)
            case "none":
                self.temporal = nn.Identity()
            case _:
                raise ValueError(f'the temporal module is {temporal!r}; use "sifa", "conv" or "none"')
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        attended = self.attn(self.norm1(x))
        x = x + self.drop_path(self.temporal(attended) if self.inside else attended)
        if not self.inside:
            x = self.temporal(x)
        return x + self.drop_path(self.mlp(self.norm2(x)))


class PatchMerging(nn.Module):
    """2 x 2 neighbours -> one cell with twice the channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(rearrange(x, "b t (h y) (w x) c -> b t h w (x y c)", y=2, x=2)))


class Stage(nn.Module):
    """A row of blocks, the odd ones with shifted windows, and the merging to the next stage."""

    def __init__(
        self, channels: int, resolution: int, num_heads: int, window: int, mlp_ratio: float,
        unshifted: str, shifted: str, placement: str, operator: dict, drop_paths: list[float], merge: bool,
    ):  # fmt: skip
        super().__init__()
        window = min(window, resolution)
        shifts = [window // 2 if i % 2 and resolution > window else 0 for i in range(len(drop_paths))]
        self.blocks = nn.ModuleList(
            Block(
                channels, resolution, num_heads, window, shift, mlp_ratio,
                shifted if shift else unshifted, placement, operator, drop_path,
            )
            for shift, drop_path in zip(shifts, drop_paths)
        )  # fmt: skip
        self.downsample = PatchMerging(channels) if merge else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.downsample(x)


class SIFATransformer(nn.Module):
    """Video (B, 3, num_frames, img_size, img_size), normalised -> logits (B, num_classes), the mean over time steps.

    The arguments are plain data and are kept in `self.config`. The operator's switches: `offsets` "learned" | "zero",
    `saliency` "paper" | "released" | "none", `weights` "dot" | "softmax", `placement` "inside" | "branch"; `unshifted` and
    `shifted` name the temporal module of each kind of block: "sifa" | "conv" | "none". `drop_path` is the share of clips that
    skip the last block's residuals in training, rising linearly from 0 at the first block. `patch_norm` adds the LayerNorm
    that image Swins have after their patches and the released SIFA code leaves out.
    """

    def __init__(
        self,
        img_size: int = 224,
        num_frames: int = 64,
        num_classes: int = 400,
        tubelet: int = 4,
        patch_size: int = 4,
        embed_dim: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        num_heads: tuple[int, ...] = (3, 6, 12, 24),
        window_size: int = 7,
        mlp_ratio: float = 4.0,
        kernel_size: int = 3,
        dilation: int = 1,
        offsets: str = "learned",
        saliency: str = "paper",
        weights: str = "dot",
        placement: str = "inside",
        unshifted: str = "sifa",
        shifted: str = "conv",
        rectified: bool = False,
        overlap: bool = False,
        patch_norm: bool = False,
        drop_path: float = 0.0,
    ):
        config = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__()
        self.config, self.tubelet = config, tubelet
        operator = dict(kernel_size=kernel_size, dilation=dilation, offsets=offsets, saliency=saliency, weights=weights)
        self.patch_embed = TubeletEmbedding(tubelet, patch_size, embed_dim, rectified, overlap, patch_norm)
        drop_paths = torch.linspace(0, drop_path, sum(depths), device="cpu").split(depths)
        self.layers = nn.ModuleList(
            Stage(
                embed_dim * 2**i, img_size // patch_size // 2**i, num_heads[i], window_size, mlp_ratio,
                unshifted, shifted, placement, operator, drop_paths[i].tolist(), merge=i < len(depths) - 1,
            )
            for i in range(len(depths))
        )  # fmt: skip
        channels = embed_dim * 2 ** (len(depths) - 1)
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, video: Tensor) -> Tensor:
        tubelet, size = self.tubelet, self.config["img_size"]
        if video.dim() != 5 or video.shape[1] != 3 or video.shape[2] % tubelet or video.shape[3:] != (size, size):
            raise ValueError(
                f"the video has shape {tuple(video.shape)}; this model reads (B, 3, frames, {size}, {size}) with frames "
                f"a multiple of {tubelet}"
            )
        x = self.patch_embed(video)
        for stage in self.layers:
            x = stage(x)
        return self.head(self.norm(x).mean((2, 3))).mean(1)
