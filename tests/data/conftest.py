import pytest

from tests.clips import numbered_frames, write_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of five and two short clips."""
    folder = tmp_path_factory.mktemp("clips")
    for label, count in (("walk", 5), ("run", 2)):
        (folder / label).mkdir()
        for number in range(count):
            write_clip(folder / label / f"{number}.mp4", numbered_frames(8 + number)[number:])
    return folder
