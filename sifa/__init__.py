"""See how a video model follows motion: a SIFA-Transformer, its offsets and its attention, explorable.

SIFA (stand-alone inter-frame attention, CVPR 2022) takes every place of a frame as a query, looks at K x K places of the next
frame, each moved by a learned offset, weighs what it finds, and adds it up.

    model = sifa.load()
    prediction = sifa.predict(model, sifa.read_clip("clip.mp4", num_frames=16, sampling_rate=4))
    prediction.top(5)                     # [(label, probability), ...]
    prediction.trace[0].displacement      # where the attention of the first block went, in cells
    sifa.explore(prediction)              # in a notebook: the explorer
    sifa.explore(prediction, another)     # two of them side by side

Models        create_model           a model by name, with random weights
              list_models            the names that create_model knows
              load                   trained weights: a file, a URL or a hub id; the shipped ones by default
Clips         read_clip              frames of a video file, as the model samples them
One pass      predict                run a model once on a clip, and record every SIFA block
              record                 a context manager that collects a trace while a model runs
              capture                the same in torch, for any batch and with gradients
What if       intervene              change the SIFA blocks while the body of a `with` runs
              what_if                predict the same clip with one thing changed
Looking       explore                the viewer as a notebook widget
Operator      SIFA                   the block: offsets from the motion saliency, attention over the next frame
              inter_frame_attention  its mathematics as a function
Records       Clip                   frames of a video, their times and numbers
              Prediction             a clip, what the model made of it, and its trace
              Trace                  the blocks of one forward pass, by number or name
              BlockTrace             offsets, weights and saliency of one block
              WhatIf                 what the model says once one thing is changed
              SIFAOutput             what the operator gives: sums, offsets, weights
              ModelCard              what weights are, and what input they expect
Errors        SifaError              what all of these have in common
              VideoError             a video that cannot be used
              WeightsError           weights that do not fit, or a file that holds none
              DataError              clips that cannot be trained on or measured
              TraceError             bytes that are no trace this version can read
              RunError               a way of running the model that does not work here
"""

from sifa.errors import DataError, RunError, SifaError, TraceError, VideoError, WeightsError
from sifa.explorer import explore
from sifa.model.attention import SIFA, SIFAOutput, inter_frame_attention
from sifa.model.registry import create_model, list_models
from sifa.tracing.hooks import capture, record
from sifa.tracing.interventions import intervene, what_if
from sifa.tracing.predict import predict
from sifa.tracing.records import BlockTrace, Prediction, Trace, WhatIf
from sifa.video.clip import Clip
from sifa.video.read import read_clip
from sifa.weights.card import ModelCard
from sifa.weights.checkpoint import load

__version__ = "0.2.0"
__all__ = [
    "SIFA",
    "BlockTrace",
    "Clip",
    "DataError",
    "ModelCard",
    "Prediction",
    "RunError",
    "SIFAOutput",
    "SifaError",
    "Trace",
    "TraceError",
    "VideoError",
    "WeightsError",
    "WhatIf",
    "capture",
    "create_model",
    "explore",
    "inter_frame_attention",
    "intervene",
    "list_models",
    "load",
    "predict",
    "read_clip",
    "record",
    "what_if",
]
