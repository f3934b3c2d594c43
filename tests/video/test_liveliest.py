import numpy as np
import pytest

from sifa.video.liveliest import CLEARLY, find_liveliest, liveliest
from tests.clips import write_clip
from tests.video.test_windows import shot

SIZE = (480, 960)
TIMES = np.arange(150) / 30


def pictures(moving=(), columns=slice(None), strength=20.0):
    """Grey pictures (150, 16, 16) that change in some columns while one of these stretches of time lasts."""
    rng = np.random.default_rng(0)
    greys = np.repeat(rng.uniform(60, 200, (1, 16, 16)), 150, 0)
    for first, last in moving:
        greys[first:last, :, columns] += rng.uniform(-strength, strength, (last - first, 16, len(range(16)[columns])))
    return greys.astype(np.float32)


def test_the_piece_that_changes_most_is_found_in_the_middle_square():
    found = liveliest(pictures([(70, 135)]), TIMES, [], 2.0, SIZE)
    assert found.start >= 70 / 30 - 0.1
    assert found.end <= 135 / 30 + 0.1
    assert found.end - found.start == pytest.approx(2.0, abs=0.04)
    assert (found.top, found.left, found.side) == (0, 240, 480)
    assert found.reason == f"Most motion: {found.start:.1f} to {found.end:.1f} s."


def test_another_square_is_taken_where_it_is_clearly_livelier():
    found = liveliest(pictures([(30, 120)], slice(12, 16)), TIMES, [], 2.0, SIZE)
    assert (found.top, found.left) == (0, 480)
    assert "The square is the one with most motion" in found.reason
    upright = pictures([(30, 120)], slice(0, 4)).swapaxes(1, 2)
    assert liveliest(upright, TIMES, [], 2.0, SIZE[::-1]).top == 0
    even = pictures([(30, 120)])
    even[:, :, 12:] = 1.05 * even[:, :, 12:]
    assert CLEARLY > 1.05
    assert liveliest(even, TIMES, [], 2.0, SIZE).left == 240


def test_a_cut_is_no_motion():
    greys = pictures([(10, 70)], strength=1.5)
    greys[100:] = 255 - greys[100:]
    found = liveliest(greys, TIMES, [100 / 30], 2.0, SIZE)
    assert found.end < 100 / 30
    assert found.reason.startswith("Most motion away from the cuts: ")
    assert liveliest(greys, TIMES, [], 2.0, SIZE).end < 100 / 30


def test_torn_pictures_are_no_motion():
    greys = pictures([(10, 75)], strength=2.0)
    greys[110:116] = pictures([(0, 150)], strength=120.0)[110:116]
    found = liveliest(greys, TIMES, [], 2.0, SIZE)
    assert found.end <= 80 / 30


def test_what_cannot_be_had_is_said():
    assert "Hardly anything moves" in liveliest(pictures(), TIMES, [], 2.0, SIZE).reason
    everywhere = [i / 2 for i in range(1, 10)]
    assert (
        "Every piece of this length holds a cut" in liveliest(pictures([(0, 150)]), TIMES, everywhere, 2.0, SIZE).reason
    )
    short = liveliest(pictures([(0, 150)])[:20], TIMES[:20], [], 2.0, SIZE)
    assert (short.start, short.end) == (0, pytest.approx(19 / 30))
    with pytest.raises(ValueError, match="there are 1 frames; motion needs at least 2"):
        liveliest(pictures()[:1], TIMES[:1], [], 2.0, SIZE)


def test_of_a_file_it_is_off_the_cut_that_is_found(tmp_path):
    """Two shots; the second one moves from its second second on."""
    still = np.repeat(shot(0, 1), 90, 0)
    moving = shot(1, 80)
    frames = np.concatenate([still, np.repeat(moving[:1], 30, 0), moving])
    found = find_liveliest(write_clip(tmp_path / "a.mp4", frames, fps=30, crf="12"), 16, 4 / 30)
    assert 3.8 < found.start < found.end <= 200 / 30
    assert found.reason.startswith("Most motion away from the cuts: ")
    assert find_liveliest(write_clip(tmp_path / "b.mp4", still[:1], fps=30), 16, 4 / 30) is None
