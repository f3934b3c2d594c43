"""The equation strip against the model: each formula that it prints, evaluated in float64 on the features that the block was
given, must give the numbers that it prints beside it, and what the block really added in the end."""

from contextlib import ExitStack

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

import sifa
from sifa import explorer
from sifa.model.resnet import Bottleneck
from sifa.model.swin import SIFALayer
from sifa.video.preprocess import preprocess
from sifa.weights.card import card_of
from sifa.weights.shipped import ASSETS, MOTION_STEM
from tests.model import reference
from tests.predictions import moving_clip
from tests.tracing.test_interventions import nano_trained
from tests.viewer.test_numbers import numbers

VARIANTS = sorted((ASSETS / "variants").glob("*.safetensors"))
PLAIN = "conv-only", "no-temporal"  # without a SIFA block
PLACES = ["query", "offset", "tap", "point", "corner0", "corner1", "corner2", "corner3"]
SUM = ["value", "weight", "share", "displacement", "output"]


def resnet(reading):
    """Small offsets, so that some points stay inside the small maps."""
    torch.manual_seed(2)
    model = sifa.create_model("sifa_resnet50_16x224", reading=reading, img_size=64, layers=(1, 2, 2, 2)).eval()
    for name, p in model.named_parameters():
        if "conv_offset" in name:
            nn.init.normal_(p, std=0.02)
    return model


MODELS = {file.stem: lambda file=file: sifa.load(file) for file in VARIANTS if file.stem not in PLAIN} | {
    "shipped": sifa.load,
    "motion in the stem": lambda: sifa.load(MOTION_STEM),
    "paper": lambda: nano_trained(reading="paper"),
    "released": lambda: nano_trained(reading="released"),
    "released gate, learned": lambda: nano_trained(saliency="released", weights="softmax"),
    "cosines and places": lambda: nano_trained(weights="cosine", position="relative", projected=True, norm_start=1.0),
    "cosines, kernels by stage": lambda: nano_trained(
        weights="cosine", position="relative", norm_start=1.0, kernel_sizes=(5, 3, 3), stem="frame", shifted="sifa"
    ),
    "resnet, paper": lambda: resnet("paper"),
    "resnet, released": lambda: resnet("released"),
}
LEARNED = {*MODELS} - {"rigid", "released"}


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softmax(v):
    return np.exp(v - v.max()) / np.exp(v - v.max()).sum()


GATES = {  # of the maps f (C, H, W) of frames t and t + 1
    "fₘ = σ(∂f) ⊙ fₜ₊₁": lambda now, then: sigmoid(then - now) * then,
    "fₘ = σ(∂f) ⊙ fₜ₊₁ + fₜ₊₁": lambda now, then: sigmoid(then - now) * then + then,
    "fₘ = fₜ₊₁": lambda now, then: then,
}
WEIGHTS = {  # of the query (C,) and the values (N, C)
    "wₖ = ⟨fₜ(p), V′ₖ⟩ / C": lambda query, values: values @ query / len(query),
    "wₖ = softmax(⟨fₜ(p), V′ₖ⟩ / √C)": lambda query, values: softmax(values @ query / len(query) ** 0.5),
    "wₖ = softmax(⟨f̂ₜ(p), V′ₖ⟩ / √C)": lambda query, values: softmax(values @ query / len(query) ** 0.5),
}
SUMS = {  # of the weights (N,), the values (N, C), the places (N, 2) from the query, and the block
    "A = Σ wₖ V′ₖ": lambda weights, values, places, block: weights @ values,
    "A = Σ wₖ (V′ₖ + P (pₖ + Δpₖ))": lambda weights, values, places, block: (
        weights @ (values + places @ block.place.double().numpy().T)
    ),
}
ADDED = {  # of the sum A (C,) and the module around the block
    "A is added to fₜ(p)": lambda total, _: total,
    "LayerNorm(A) is added to fₜ(p)": lambda total, layer: layer.norm(torch.tensor(total).float()).numpy(),
}


@torch.no_grad()
def run(model):
    """The prediction, and for each block what it was given, its module, the module around it, and what that one added."""
    clip = moving_clip()
    video, _ = preprocess(clip.frames, card_of(model).size, card_of(model).mean, card_of(model).std)
    left = {}  # (T, C, H, W) by the name of the module around a block, after the block's sum was added

    def keep_swin(name):
        return lambda module, args, out: left.update({name: out[0].movedim(-1, 1)})

    def keep_resnet(name):
        return lambda module, args: left.update({name: args[0]})

    with sifa.capture(model) as calls, ExitStack() as hooks:
        for name, module in model.named_modules():
            match module:
                case SIFALayer():
                    hooks.callback(module.register_forward_hook(keep_swin(name)).remove)
                case Bottleneck():
                    hooks.callback(module.conv3.register_forward_pre_hook(keep_resnet(name)).remove)
        model(video)
    blocks = []
    for call in calls:
        around, features = call.name.rpartition(".")[0], call.features[0].movedim(1, 0).double().numpy()
        blocks.append((features, call.block, model.get_submodule(around), left[around].double().numpy() - features))
    return sifa.predict(model, clip), blocks


def terms_of(ask, b, pair, y, x, tap):
    """{name: (symbol, value, meaning)} as the viewer prints them."""
    found = ask(
        f"""const block = trace.blocks[{b}];
        return viewer.equationTerms({{ read: viewer.readout(block, {pair}, {y}, {x}), block, tap: {tap}, difference: 0,
            saliency: viewer.saliencyMap(block, {pair})[{y} * block.width + {x}] }});"""
    )
    return {name: texts for name, *texts in found}


def compared(term, features, block):
    """The maps (C, H, W) that are compared, as the term says, of the features (C, H, W) of one step."""
    symbol, value, _ = term
    centred = features - features.mean((1, 2), keepdims=True)
    if "M (f" in symbol:
        centred = np.einsum("dc,chw->dhw", block.project.double().numpy(), centred)
    unit = centred / np.linalg.norm(centred, axis=0)
    return (float(value.rpartition(" ")[2]) * len(features) ** 0.5) ** 0.5 * unit


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_the_formulas_give_the_numbers_and_what_was_added(ask, open_trace, name):
    prediction, ran = run(MODELS[name]())
    open_trace(explorer.pack(prediction))
    assert len(ran) == len(prediction.trace) > 0
    for b, (features, module, around, added) in enumerate(ran):
        block = prediction.trace[b]
        pair, taps, (height, width) = len(features) - 2, block.kernel**2, features.shape[2:]
        now, then = features[pair], features[pair + 1]
        for y, x, tap in ((height // 2, width // 2, 0), (0, width - 1, taps - 1), (height - 1, 1 % width, taps // 2)):
            terms = terms_of(ask, b, pair, y, x, tap)
            if name in LEARNED:
                gate = GATES[terms["gate"][0]](now, then)
                rms = np.sqrt((gate[:, y, x] ** 2).mean())
                assert float(terms["gate"][1][4:]) == pytest.approx(rms, abs=float(block.saliency.max()) / 255 + 6e-4)
                assert ("difference" in terms) == ("∂f" in terms["gate"][0])
                assert terms["offset"][0] == "Δpₖ = conv(fₘ)"
                kernel = module.conv_offset.weight.double()
                offset = conv2d(torch.tensor(gate)[None], kernel, padding=1)[0, :, y, x].view(taps, 2).numpy()
            else:
                assert not {"gate", "difference"} & terms.keys()
                assert terms["offset"][0] == "Δpₖ = 0"
                offset = np.zeros((taps, 2))
            assert [term for term in terms if term not in ("gate", "difference", "compared")] == PLACES + SUM
            grid = sifa.model.sampling.neighbour_grid(block.kernel, block.dilation).numpy()
            points = offset + grid + [y, x]
            for term, wanted in (("offset", offset[tap]), ("tap", grid[tap]), ("point", points[tap])):
                np.testing.assert_allclose(numbers(terms[term][1]), wanted, rtol=1e-4, atol=1 / 64 + 0.0052)
            query, key = now, then
            assert ("compared" in terms) == ("f̂" in terms["weight"][0]) == ("f̂" in terms["value"][0])
            if "compared" in terms:
                query, key = (compared(terms["compared"], f, module) for f in (now, then))
            values = np.array([reference.bilinear(key, *point) for point in points])
            mixed = 0
            for corner in range(4):
                symbol, share, _ = terms[f"corner{corner}"]
                cy, cx = map(int, symbol.replace("\u2212", "-").rpartition("(")[2].rstrip(")").split(", "))
                if 0 <= cy < height and 0 <= cx < width:
                    mixed = mixed + float(share) * key[:, cy, cx]
            np.testing.assert_allclose(mixed, values[tap], rtol=0, atol=0.05 * np.abs(key).max())
            weights = WEIGHTS[terms["weight"][0]](query[:, y, x], values)
            step = float(np.ptp(block.attention[pair])) / 254 + 1e-4 * np.abs(weights).max() + 6e-5
            assert numbers(terms["weight"][1])[0] == pytest.approx(weights[tap], abs=step)
            assert numbers(terms["output"][1].rpartition(" ")[2])[0] == pytest.approx(
                weights.sum(), abs=taps * step + 0.0051
            )
            summed = SUMS[terms["output"][0]](weights, values, offset + grid, module)
            total = ADDED[terms["output"][2]](summed, around)
            np.testing.assert_allclose(total, added[pair, :, y, x], rtol=0, atol=2e-3 * np.abs(added[pair]).max())


def test_every_shipped_variant_is_held():
    assert {file.stem for file in VARIANTS} == {"attention", "free", "full", "no-gate", "rigid", "softmax", *PLAIN}
    for file in VARIANTS:
        if file.stem in PLAIN:
            assert not sifa.predict(sifa.load(file), moving_clip()).trace.blocks


def test_weights_changed_by_hand_print_no_formula(ask, open_trace):
    model = nano_trained()
    with sifa.intervene(model, "uniform"):
        prediction = sifa.predict(model, moving_clip())
    open_trace(explorer.pack(prediction))
    terms = terms_of(ask, 0, 2, 8, 8, 3)
    assert [*terms] == [*PLACES, "weight", "displacement"]
    assert terms["weight"][0] == "wₖ"
    assert terms["weight"][2] == "Changed weights: not those that the block computed"
    assert numbers(terms["weight"][1])[0] == pytest.approx(prediction.trace[0].attention[2, 3, 8, 8], abs=1e-2)
