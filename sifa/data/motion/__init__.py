"""Generated motion clips whose label is the motion and whose true displacement is known."""

from sifa.data.motion.classes import CLASSES, MIRRORED, REVERSED
from sifa.data.motion.flow import flow_at, true_flow
from sifa.data.motion.generator import MotionBatch, MotionClips, balanced_labels, join_batches

__all__ = [
    "CLASSES",
    "MIRRORED",
    "REVERSED",
    "MotionBatch",
    "MotionClips",
    "balanced_labels",
    "flow_at",
    "join_batches",
    "true_flow",
]
