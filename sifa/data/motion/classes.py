"""The 24 motions and their opposites."""

CLASSES = (
    "object moves left",
    "object moves right",
    "object moves up",
    "object moves down",
    "object comes closer",
    "object goes away",
    "object turns clockwise",
    "object turns counter-clockwise",
    "object shakes",
    "object bounces",
    "object is squashed",
    "object is stretched",
    "two objects come together",
    "two objects move apart",
    "one object passes in front of another",
    "camera pans left",
    "camera pans right",
    "camera tilts up",
    "camera tilts down",
    "camera zooms in",
    "camera zooms out",
    "camera rolls clockwise",
    "camera rolls counter-clockwise",
    "nothing moves",
)


def _swaps(*pairs: tuple[str, str]) -> dict[str, str]:
    """Every class -> the class its clips turn into; those in no pair stay what they are."""
    swapped = {name: name for name in CLASSES}
    for one, other in pairs:
        swapped[one], swapped[other] = other, one
    return swapped


MIRRORED = _swaps(
    ("object moves left", "object moves right"),
    ("object turns clockwise", "object turns counter-clockwise"),
    ("camera pans left", "camera pans right"),
    ("camera rolls clockwise", "camera rolls counter-clockwise"),
)
REVERSED = _swaps(
    ("object moves left", "object moves right"),
    ("object moves up", "object moves down"),
    ("object comes closer", "object goes away"),
    ("object turns clockwise", "object turns counter-clockwise"),
    ("object is squashed", "object is stretched"),
    ("two objects come together", "two objects move apart"),
    ("camera pans left", "camera pans right"),
    ("camera tilts up", "camera tilts down"),
    ("camera zooms in", "camera zooms out"),
    ("camera rolls clockwise", "camera rolls counter-clockwise"),
)
CAMERA = (*(name for name in CLASSES if name.startswith("camera")), "camera still")
THINGS = (*(name for name in CLASSES if not name.startswith("camera")), "several motions")
FILMED = (*CAMERA, *THINGS)  # the labels of the second family, two groups of which each clip has one
