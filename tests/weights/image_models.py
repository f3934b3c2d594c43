"""Plain image networks with the state-dict names of the official Swin and of torchvision's ResNet, as oracles for inflation."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    def __init__(self, dim: int, window: int, heads: int):
        super().__init__()
        self.window, self.heads = window, heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        places = [(y, x) for y in range(window) for x in range(window)]
        index = [[(a - c + window - 1) * (2 * window - 1) + b - d + window - 1 for c, d in places] for a, b in places]
        self.register_buffer("relative_position_index", torch.tensor(index))

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """tokens (windows, places, dim), one window after another, each attending to itself."""
        q, k, v = self.qkv(tokens).view(*tokens.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + bias
        if mask is not None:
            scores = scores + mask[:, None]
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(tokens.shape))


class SwinBlock(nn.Module):
    def __init__(self, dim: int, side: int, window: int, shift: int, heads: int):
        super().__init__()
        self.side, self.window, self.shift = side, window, shift
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, window, heads)
        self.mlp = nn.Sequential()
        self.mlp.fc1, self.mlp.act, self.mlp.fc2 = nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        self.register_buffer("attn_mask", self._mask() if shift else None)

    def _mask(self) -> Tensor:
        region = torch.zeros(self.side, self.side)
        cuts = (0, self.side - self.window, self.side - self.shift, self.side)
        for i in range(3):
            for j in range(3):
                region[cuts[i] : cuts[i + 1], cuts[j] : cuts[j + 1]] = 3 * i + j
        flat = self._windows(region[None, :, :, None])[..., 0]
        return torch.where(flat[:, None] == flat[:, :, None], 0.0, -100.0)

    def _windows(self, x: Tensor) -> Tensor:
        rows = x.split(self.window, 1)
        return torch.cat([part.flatten(1, 2) for row in rows for part in row.split(self.window, 2)])

    def _joined(self, windows: Tensor) -> Tensor:
        count = self.side // self.window
        parts = [w.view(1, self.window, self.window, -1) for w in windows]
        return torch.cat([torch.cat(parts[i * count : (i + 1) * count], 2) for i in range(count)], 1)

    def forward(self, x: Tensor) -> Tensor:
        """x (1, side, side, dim)"""
        y = self.norm1(x).roll((-self.shift, -self.shift), (1, 2))
        y = self._joined(self.attn(self._windows(y), self.attn_mask)).roll((self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class Merging(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * dim), nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        corners = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1)))


class ImageSwin(nn.Module):
    """Images (B, 3, S, S) -> logits, one image at a time."""

    def __init__(self, size: int, dim: int, depths, heads, window: int, classes: int, patch_norm: bool):
        super().__init__()
        self.patch_embed = nn.Sequential()
        self.patch_embed.proj = nn.Conv2d(3, dim, 4, 4)
        if patch_norm:
            self.patch_embed.norm = nn.LayerNorm(dim)
        self.layers = nn.ModuleList()
        for i, depth in enumerate(depths):
            stage, side, width = nn.Module(), size // 4 // 2**i, dim * 2**i
            w = min(window, side)
            stage.blocks = nn.ModuleList(
                SwinBlock(width, side, w, w // 2 if j % 2 and side > w else 0, heads[i]) for j in range(depth)
            )
            if i < len(depths) - 1:
                stage.downsample = Merging(width)
            self.layers.append(stage)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([self._one(image[None]) for image in images])

    def _one(self, image: Tensor) -> Tensor:
        x = self.patch_embed.proj(image).permute(0, 2, 3, 1)
        x = self.patch_embed.norm(x) if hasattr(self.patch_embed, "norm") else x
        for stage in self.layers:
            for block in stage.blocks:
                x = block(x)
            x = stage.downsample(x) if hasattr(stage, "downsample") else x
        return self.head(self.norm(x).mean((1, 2)))


def as_timm(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The official names as timm's of today: merging at the start of the next stage, no buffers, head.fc."""
    renamed = {}
    for key, value in state.items():
        if key.endswith(("relative_position_index", "attn_mask")):
            continue
        parts = key.replace("head.", "head.fc.").split(".")
        if parts[2:3] == ["downsample"]:
            parts[1] = str(int(parts[1]) + 1)
        renamed[".".join(parts)] = value
    return renamed


class ImageBottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, outputs: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        return F.relu(self.bn3(self.conv3(y)) + shortcut)


class ImageResNet(nn.Module):
    """Images (B, 3, S, S) -> logits."""

    def __init__(self, layers, classes: int, width_per_group: int = 64):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for i, depth in enumerate(layers):
            planes = 64 * 2**i
            stage = []
            for j in range(depth):
                stride = 2 if i and not j else 1
                stage.append(ImageBottleneck(inputs, planes * width_per_group // 64, 4 * planes, stride))
                inputs = 4 * planes
            setattr(self, f"layer{i + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))
