"""How well a fine-tuned model knows the user's clips that it was not trained on."""

import torch

from sifa.data.user_clips import VideoClips
from sifa.evaluation.metrics import Accuracy, accuracy
from sifa.video.preprocess import normalise
from sifa.weights.card import VideoModel, card_of


@torch.no_grad()
def evaluate_held_out(model: VideoModel, data: VideoClips) -> Accuracy | None:
    """Accuracy on the held-out ones of the user's clips; None where none is held out, or none can be read any more."""
    model.eval()
    card, device = card_of(model), next(model.parameters()).device
    ranks, truth = [], []
    for video, label in data.held_out_videos():
        ranks.append(model(normalise(video[None], card.mean, card.std).to(device)).cpu().argsort(1, descending=True))
        truth.append(label)
    return accuracy(torch.cat(ranks), torch.tensor(truth), data.labels) if ranks else None
