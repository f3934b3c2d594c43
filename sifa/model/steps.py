"""The answer over time: where a model's logits are the mean of those of its time steps, this module takes the mean."""

from torch import Tensor, nn


class MeanOverSteps(nn.Module):
    """Logits (B, T, num_classes) of each time step -> their mean (B, num_classes). It has no parameters.

    It is a module of its own so that those of each step can be listened to (`sifa.tracing.hooks.listen`).
    """

    def forward(self, logits: Tensor) -> Tensor:
        return logits.mean(1)
