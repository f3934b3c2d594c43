"""What a prediction says of a real video: of the camera, and of things."""

from sifa.errors import DataError
from sifa.tracing.records import Prediction

GROUPS = ("camera", "things")


def answers(prediction: Prediction) -> dict[str, tuple[str, float]]:
    """{"camera": (label, probability), "things": (label, probability)}; the label is "unsure" where the card's threshold says so.

    Where the model gives one answer, it is both. Raises DataError where its groups of labels are others.
    """
    found = {answer.group: (answer.text, answer.probability) for answer in prediction.answers()}
    if len(found) == 1:
        return dict.fromkeys(GROUPS, next(iter(found.values())))
    if set(found) != set(GROUPS):
        raise DataError(
            f"these weights answer in the groups {', '.join(found)}; what is measured on real video is one answer, or the "
            f"groups {' and '.join(GROUPS)}: choose other weights"
        )
    return {name: found[name] for name in GROUPS}
