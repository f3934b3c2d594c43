"""What the page says."""

from dataclasses import replace

import numpy as np

from app import texts
from tests.predictions import nano_prediction


def test_what_the_weights_know():
    assert "24 motions" in texts.training_note("120000 generated clips of 24 motions", 24)
    assert "nothing about actions" in texts.training_note("120000 generated clips of 24 motions", 24)
    assert texts.training_note("Kinetics-400", 400) == "Trained on Kinetics-400."
    assert texts.training_note("", 24).startswith("Untrained weights")


def test_a_one_frame_clip_is_described():
    prediction = nano_prediction()
    still = replace(prediction.clip, indices=np.zeros(16, np.int64), times=np.zeros(16), source_frames=1, padded=15)
    status = texts.describe(replace(prediction, clip=still))
    assert "frame 0 of 1" in status
    assert "missing 15" in status
    assert "No answer" not in status


def test_why_there_is_no_answer_comes_first():
    status = texts.describe(replace(nano_prediction(), withheld="It has <1> frame."))
    assert status.startswith('<p class="knows"><b>No answer.</b> It has &lt;1&gt; frame.</p>')
