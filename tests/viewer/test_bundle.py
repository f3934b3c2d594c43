"""The committed bundle of the viewer is the one that its modules give."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from sifa import explorer

ROOT = Path(__file__).parents[2]
VIEWER = Path(explorer.__file__).parent / "viewer"


def test_the_bundle_is_up_to_date(node):
    if not (ROOT / "node_modules" / "esbuild").is_dir():
        reason = "esbuild is not installed: `make check-viewer` installs it"
        if os.environ.get("SIFA_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    built = subprocess.run([node, str(VIEWER / "build.mjs"), "--check"], capture_output=True, text=True, cwd=ROOT)
    assert built.returncode == 0, built.stderr


def test_the_lock_file_pins_everything_and_names_no_host():
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    package = (ROOT / "package.json").read_text(encoding="utf-8")
    assert re.findall(r'"(?:esbuild|typescript)": "(\S+)"', package) == re.findall(
        r'"(?:esbuild|typescript)": "(\d+\.\d+\.\d+)"', package
    )
