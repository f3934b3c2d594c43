"""Generated motion clips whose label is the motion and whose true displacement is known."""

from sifa.motion.classes import CLASSES, MIRRORED, REVERSED
from sifa.motion.flow import flow_at, true_flow
from sifa.motion.generator import MotionBatch, MotionClips, balanced_labels, joined

__all__ = [
    "CLASSES",
    "MIRRORED",
    "REVERSED",
    "MotionBatch",
    "MotionClips",
    "balanced_labels",
    "flow_at",
    "joined",
    "true_flow",
]
