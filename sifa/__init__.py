"""A SIFA-Transformer (Stand-Alone Inter-Frame Attention, CVPR 2022) and the means to see inside it."""

from sifa.attention import SIFA, SIFAOutput, inter_frame_attention
from sifa.interventions import INTERVENTIONS, intervene, what_if
from sifa.models import create, names
from sifa.prediction import Prediction, predict
from sifa.trace import BlockTrace, Trace, capture, record
from sifa.video import Clip, VideoError, read_clip
from sifa.weights import Checkpoint, CheckpointError, adopt, load, load_weights, untrained
