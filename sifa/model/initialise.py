"""A start from which small models learn motion: the usual one stays at chance for thousands of steps."""

import math

import torch
from torch import Tensor, nn

from sifa.model.swin import SIFATransformer

WAVELENGTH_AND_SPEED = ((5.0, 0.9), (9.0, 2.0))  # pixels; pixels per frame
DIRECTIONS = (0, 90, 180, 270, 45, 135, 225, 315)  # degrees; the four main ones first, where filters are few
STILL_WAVELENGTHS, STILL_DIRECTIONS = (5.0, 8.0, 14.0), (0, 90, 45, 135)  # of filters that see a single frame


def space_time_gabors(tubelet: int, patch_size: int) -> Tensor:
    """Quadrature pairs of drifting gratings, (filters, tubelet, patch, patch), zero mean per frame, unit deviation.

    A pair's energy answers to motion in one direction at one speed (Adelson and Bergen 1985). Of a single frame, to stripes.
    """
    kinds = [(wavelength, speed, angle) for wavelength, speed in WAVELENGTH_AND_SPEED for angle in DIRECTIONS]
    if tubelet == 1:
        kinds = [(wavelength, 0.0, angle) for wavelength in STILL_WAVELENGTHS for angle in STILL_DIRECTIONS]
    t = torch.arange(tubelet) - (tubelet - 1) / 2
    p = torch.arange(patch_size) - (patch_size - 1) / 2
    t, y, x = torch.meshgrid(t, p, p, indexing="ij")
    window = torch.exp(-(x**2 + y**2) / (2 * 2.2**2))
    filters = []
    for wavelength, speed, angle in kinds:
        radians = math.radians(angle)
        phase = 2 * math.pi / wavelength * (x * math.cos(radians) + y * math.sin(radians) - speed * t)
        for wave in (phase.cos(), -phase.sin()):
            grating = wave * window
            grating = grating - grating.mean((1, 2), keepdim=True)
            filters.append(grating / grating.std())
    return torch.stack(filters)


@torch.no_grad()
def initialise(model: SIFATransformer) -> None:
    """In place: linear layers with deviation 0.7 / sqrt(inputs), three quarters of the tubelet filters as Gabors."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            std = 0.02 if name == "head" else 0.7 / math.sqrt(module.in_features)
            nn.init.trunc_normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    weight, bias = model.patch_embed.proj.weight, model.patch_embed.proj.bias
    scale = weight.std().item()
    weight -= weight.mean((2, 3, 4), keepdim=True)
    if bias is not None:
        bias.zero_()
    gabors = space_time_gabors(weight.shape[2], weight.shape[3])[: len(weight) * 3 // 4]
    luminance = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1, 1)
    weight[: len(gabors)] = 1.7 * scale * luminance * gabors[:, None]
