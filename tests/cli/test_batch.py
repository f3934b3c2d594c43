"""What `sifa batch` says on its way, and what it refuses."""

import io

import pytest
from tqdm import tqdm

from sifa.cli import main
from sifa.cli.batch import BAR, counter


def test_the_bar_counts_clips_and_failures_and_its_rate_only_what_is_new():
    out = io.StringIO()
    with tqdm(total=100, unit=" clips", bar_format=BAR, file=out, ncols=120, mininterval=0) as bar:
        report = counter(bar)
        report(61, 0, 60)
        bar.start_t -= 2
        report(70, 3, 60)
    last = out.getvalue().replace("\n", "").split("\r")[-1]
    assert last.startswith("70/100 clips|")
    rate = float(last.partition("3 failed, ")[2].partition("clip")[0])
    assert rate <= 10 / 2
    assert last.endswith(" left")


def test_options_that_do_not_go_together_are_misuse(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["batch", "list.txt", "--out", "x", "--ray-address", "ray://head:10001"])
    assert stop.value.code == 2
    assert "--ray-address is for --engine ray" in capsys.readouterr().err


def test_a_list_that_is_not_there_is_said(tmp_path, capsys):
    assert main(["batch", str(tmp_path / "none.txt"), "--out", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err == f"there is no folder or list file {tmp_path / 'none.txt'}; check the path\n"
    assert not (tmp_path / "x").exists()
