"""Public calls with what is no model, no clip and no prediction: a sentence says what to call."""

from pathlib import Path

import numpy as np
import pytest
import torch

import sifa
from sifa import explorer
from tests.predictions import moving_clip, nano_model, nano_prediction

ODD = [
    "clip.mp4",
    Path("clip.mp4"),
    None,
    5,
    1.5,
    b"x",
    {},
    [],
    np.zeros((16, 8, 8, 3), np.uint8),
    torch.zeros(1, 3, 16, 64, 64),
    object(),
    len,
]


def enter(context):
    with context:
        pass


CALLS = {
    "predict's clip": (
        lambda odd: sifa.predict(nano_model(), odd),
        r"the clip is .*; give the clip that sifa.read_clip\(",
    ),
    "predict's model": (
        lambda odd: sifa.predict(odd, moving_clip()),
        r"the model is .*; give the model that sifa.load\(\) or",
    ),
    "what_if's clip": (lambda odd: sifa.what_if(nano_model(), odd, "reversed"), r"the clip is .*; give the clip that"),
    "what_if's model": (lambda odd: sifa.what_if(odd, moving_clip(), "rigid"), "the model is .*; give the model that"),
    "record": (lambda odd: enter(sifa.record(odd)), "the model is .*; give the model that"),
    "capture": (lambda odd: enter(sifa.capture(odd)), "the model is .*; give the model that"),
    "intervene": (lambda odd: enter(sifa.intervene(odd, "rigid")), "the model is .*; give the model that"),
    "explore": (sifa.explore, r"the prediction is .*; give the prediction that sifa.predict\(model, clip\) returns"),
    "pack": (explorer.pack, "the prediction is .*; give the prediction that"),
    "export": (lambda odd: explorer.export(odd, "a.png"), "the prediction is .*; give the prediction that"),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_is_of_another_type_is_said(call):
    run, words = CALLS[call]
    for odd in [*ODD, moving_clip() if "clip" not in call else nano_model()]:
        with pytest.raises(TypeError, match=words) as error:
            run(odd)
        assert len(str(error.value)) < 300


@pytest.mark.parametrize("odd", [None, 5, {}, b"x", np.zeros(3)])
def test_weights_and_names_of_another_type(odd):
    with pytest.raises(TypeError, match="weights are given as a file, a URL or hf-hub:owner/name, not as"):
        sifa.load(odd)
    with pytest.raises(ValueError, match="no model is called"):
        sifa.create_model(odd)
    with pytest.raises(ValueError, match="no what-if is called"):
        sifa.what_if(nano_model(), moving_clip(), odd)


def test_a_device_that_is_not_there_is_said():
    with pytest.raises(sifa.RunError, match="the model cannot be put on device 'x'"):
        sifa.load(device="x")


def test_a_clip_in_a_prediction_is_not_the_prediction():
    with pytest.raises(TypeError, match="of type Clip; give the prediction"):
        explorer.pack(nano_prediction().clip)
