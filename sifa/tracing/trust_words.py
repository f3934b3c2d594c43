"""What the figures of trust mean, in words."""

from sifa.tracing.records import BlockTrust, Deletion, Trust

NEAR_UNIFORM = 0.02  # unevenness below which a block's weights are called close to uniform
NEAR_RIGID = 0.1  # mean |offset| in cells below which a block's grid is called close to rigid
DRAWN_TOGETHER = 0.5  # spread below which a block's points are called drawn together
FOLLOWS = 0.3  # rank correlation from which offsets are said to follow the change of the picture
LIKE_RANDOM = 0.3  # agreement with random weights from which it is pointed out
MANY_OUTSIDE = 0.1  # share of points outside the frame from which it is pointed out
NO_EFFECT = 0.01  # change of the probability below which it is called none


def block_words(block: BlockTrust) -> tuple[str, ...]:
    """What a block's figures mean, as sentences; none where nothing is remarkable."""
    sentences = []
    if block.offset < NEAR_RIGID:
        sentences.append("Close to rigid: its points stay near the regular grid.")
    if block.spread < DRAWN_TOGETHER:
        sentences.append("Its points are drawn together, so there is little for the weights to choose between.")
    if block.unevenness < NEAR_UNIFORM:
        sentences.append("Close to uniform: its weights hardly prefer any neighbour.")
    if block.follows_change is not None and block.follows_change >= FOLLOWS:
        sentences.append("Its offsets move the grid more where the picture changes.")
    if block.like_random is not None and block.like_random >= LIKE_RANDOM:
        sentences.append("Random weights give a similar field.")
    if block.outside >= MANY_OUTSIDE:
        sentences.append("Many of its points lie outside the frame and count 0.")
    return tuple(sentences)


def deletion_words(test: Deletion) -> tuple[str, ...]:
    """What the deletion test means, as sentences."""
    drop = test.probability - test.strongest
    at_random = test.probability - test.random
    if max(abs(drop), abs(at_random)) < NO_EFFECT:
        first = "Which of the neighbours count hardly matters to this answer."
    elif drop - at_random >= NO_EFFECT:
        first = "The strongest neighbours matter more to this answer than others."
    else:
        first = "The strongest neighbours matter no more to this answer than others."
    if abs(test.probability - test.all) >= NO_EFFECT:
        return first, "What the blocks read altogether does matter."
    return first, "Nor does all that the blocks read: it is decided elsewhere in the model."


def describe_trust(trust: Trust) -> str:
    """The figures as lines of text: a table of the blocks, and the deletion test."""
    lines = ["block                  uneven  offset  spread follows  random outside"]
    for block in trust.blocks:
        row = block.unevenness, block.offset, block.spread, block.follows_change, block.like_random, block.outside
        figures = "  ".join("     -" if value is None else f"{value:6.2f}" for value in row)
        lines += [f"{block.name:22} {figures}", *(f"    {words}" for words in block.words)]
    test = trust.deletion
    if test is None:
        return "\n".join(lines)
    lines += [
        f"probability of {test.label!r}: {test.probability:.3f}",
        f"in every block, of each cell's {test.neighbours} neighbours",
        f"    the {test.removed} strongest removed: {test.strongest:.3f}",
        f"    {test.removed} random ones removed: {test.random:.3f} (mean of {len(test.random_each)})",
        f"    all removed: {test.all:.3f}",
        *(f"    {words}" for words in test.words),
    ]
    return "\n".join(lines)
