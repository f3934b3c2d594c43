"""What a prediction says of a real video: of the camera, and of things."""

from sifa.errors import DataError
from sifa.tracing.records import Prediction

GROUPS = ("camera", "things")


def answers(prediction: Prediction) -> dict[str, tuple[str, float]]:
    """{"camera": (label, probability), "things": (label, probability)}; the label is "unsure" where the card's threshold says so.

    Where the model gives one answer, it is both. Raises DataError where its groups of labels are others.
    """
    found = prediction.answers()
    if len(found) == 1:
        found *= len(GROUPS)
    elif {answer.group for answer in found} != set(GROUPS):
        raise DataError(
            f"these weights answer in the groups {', '.join(answer.group for answer in found)}; what is measured on real "
            f"video is one answer, or the groups {' and '.join(GROUPS)}: choose other weights"
        )
    else:
        found = tuple(sorted(found, key=lambda answer: GROUPS.index(answer.group)))
    return {name: (answer.text, answer.probability) for name, answer in zip(GROUPS, found, strict=True)}
