"""A short run of the fuzz job: no damaged file is silently wrong, none takes too long."""

import pytest

from tests.fuzz.__main__ import SOURCES, main
from tests.video import matrix


@pytest.mark.slow
def test_no_damaged_file_is_silently_wrong(capsys):
    matrix.program("ffmpeg")
    count = 2 * len(SOURCES)
    assert main(["--files", str(count), "--seed", "11"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(f"{count} files")
    assert "refused" in said
    assert "right" in said
