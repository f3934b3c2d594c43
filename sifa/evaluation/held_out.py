"""How well a fine-tuned model knows the user's clips that it was not trained on."""

import torch

from sifa.data.user_clips import VideoClips
from sifa.evaluation.metrics import Accuracy, accuracy
from sifa.video.preprocess import normalise
from sifa.weights.card import VideoModel, card_of


@torch.no_grad()
def evaluate_held_out(model: VideoModel, data: VideoClips) -> Accuracy | None:
    """Accuracy on the held-out ones of the user's clips; None where none is held out."""
    if not data.held_out:
        return None
    model.eval()
    card, device = card_of(model), next(model.parameters()).device
    videos = (normalise(data.central(video)[None], card.mean, card.std) for video, _ in data.held_out)
    ranks = torch.cat([model(video.to(device)).cpu().argsort(1, descending=True) for video in videos])
    return accuracy(ranks, torch.tensor([label for _, label in data.held_out]), data.labels)
