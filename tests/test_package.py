"""The package as others get it: what it says it needs, and the wheel, built, installed elsewhere and used offline."""

import os
import re
import shutil
import socket
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from huggingface_hub import ModelCard
from packaging.requirements import Requirement
from packaging.version import Version

import sifa
from sifa.weights import shipped
from sifa.weights.card import load_card
from tests.requirements import CORE, EXTRAS, PROJECT, everything

ROOT = Path(__file__).parents[1]
SAMPLE = "02_object_moves_right.mp4"
OF_EXTRAS = [
    "gradio",
    "plotly",
    "ipywidgets",
    "anywidget",
    "traitlets",
    "IPython",
    "jupyterlab",
    "huggingface_hub",
    "skimage",
    "cv2",
    "pyarrow",
    "duckdb",
    "starlette",
    "uvicorn",
    "daft",
]
WITHOUT_EXTRAS = f"import sys; sys.modules |= dict.fromkeys({OF_EXTRAS})\n"
PREDICT = """
import sifa
from sifa import explorer
from sifa.weights import shipped
prediction = sifa.predict(sifa.load(), shipped.sample("object moves right"))
assert "object moves right" in prediction.headline, prediction.top(5)
"""
EXPLORE = """
widget = sifa.explore(prediction)
widget.pair = 3
assert (widget.pair, len(widget.trace) > 100_000, "render" in widget._esm) == (3, True, True)
"""


# What it says of itself


def test_requirements_and_pyproject_agree():
    """requirements.txt installs all that the extras name, in the same ranges; of torch one version out of the range."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    installed = {r.name: r for r in (Requirement(line) for line in lines if line and not line.startswith("#"))}
    named = everything()
    assert installed.keys() == named.keys()
    pinned = next(iter(installed.pop("torch").specifier))
    assert (pinned.operator, Version(pinned.version) in named["torch"].specifier) == ("==", True)
    assert {name: r.specifier for name, r in installed.items()} == {name: named[name].specifier for name in installed}


def test_an_extra_asks_for_the_same_range_as_the_others():
    for requirement in [*CORE, *(r for extra in EXTRAS.values() for r in extra)]:
        assert requirement.specifier == everything()[requirement.name].specifier, requirement.name


def test_the_version_stands_in_one_place():
    assert "version" in PROJECT["dynamic"]
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert newest == sifa.__version__


def test_the_citation_says_who_and_what():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["license"] == PROJECT["license"]
    assert [a["family-names"] for a in citation["references"][0]["authors"]] == [
        "Long",
        "Qiu",
        "Pan",
        "Yao",
        "Luo",
        "Mei",
    ]


def test_the_model_card_tells_hubs_what_the_shipped_card_says():
    front = (ROOT / "assets" / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    metadata, metrics = yaml.safe_load(front), sifa.load().card.metrics
    assert (metadata["license"], metadata["pipeline_tag"]) == ("apache-2.0", "video-classification")
    assert metadata["library_name"] == PROJECT["name"]
    (model,) = metadata["model-index"]
    assert model["name"] == shipped.DEFAULT_CHECKPOINT.stem
    written = {result["dataset"]["config"]: result["metrics"][0]["value"] for result in model["results"]}
    measured = {"held-out": metrics, "worn": metrics["worn"], "pasted": metrics["pasted"]}
    assert written == {name: round(100 * figures["top1"], 1) for name, figures in measured.items()}
    assert len(ModelCard.load(ROOT / "assets" / "README.md").data.eval_results) == 3


def test_the_documentation_says_what_the_default_card_says():
    """Figures in sentences, beside the tables that `sifa evaluate --table` prints."""
    card, readme = sifa.load().card, (ROOT / "README.md").read_text(encoding="utf-8")
    metrics, clips = card.metrics, f"{card.recipe['steps'] * card.recipe['batch']:,}".replace(",", " ")
    for said in (
        f"{clips} clips: both answers are right for {metrics['top1']:.1%} of {metrics['clips']} generated clips",
        f"for {metrics['pasted']['top1']:.1%} of {metrics['pasted']['clips']} mp4 files",
        f"true motion with a cosine of {max(metrics['flow_cosine'][:2]):.2f}",
    ):
        assert said in " ".join(readme.split())
    page = " ".join((ROOT / "assets" / "README.md").read_text(encoding="utf-8").split())
    assert f"**Trained on** {clips} generated clips" in page
    assert f"--steps {card.recipe['steps']} --batch {card.recipe['batch']} " in page
    mine, before = (load_card(file).metrics for file in (shipped.DEFAULT_CHECKPOINT, shipped.MOTION_STEM))
    assert mine["pasted"]["top1"] > before["pasted"]["top1"] - 0.01  # right as often on the mp4 files
    for figure in ("flow_cosine", "flow_epe_ratio"):  # on 16 x 16 cells the arrows are as good
        assert abs(mine[figure][2] - before[figure][0]) < 0.04


# Without the extras


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (PREDICT + 'assert "<html" in explorer.to_html(explorer.pack(prediction))', ""),
        (
            f'from sifa.cli import main; sys.exit(main(["predict", "assets/samples/{SAMPLE}", "--out", sys.argv[1]]))',
            "",
        ),
        (PREDICT + "sifa.explore(prediction)", "sifa-explorer[notebooks]"),
        ('import sifa; sifa.load("hf-hub:owner/name")', "sifa-explorer[hub]"),
        (
            'from sifa.data.motion.textures import photographs; photographs("train")',
            "sifa-explorer[train]",
        ),
        ('from sifa.cli import main; sys.exit(main(["app"]))', "sifa-explorer[app]"),
        ('from sifa.cli import main; sys.exit(main(["batch", "assets/samples", "--out", sys.argv[1]]))', "[batch]"),
        ('from sifa.cli import main; sys.exit(main(["browse", "assets/samples"]))', "sifa-explorer[batch]"),
    ],
)
def test_without_the_extras_the_core_works_and_the_rest_says_what_to_install(code, says, tmp_path):
    command = [sys.executable, "-c", WITHOUT_EXTRAS + code, tmp_path / "page.html"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode == 0) == (says == ""), run.stderr
    assert says in run.stderr


# The wheel


def output_of(*command: str | Path, cwd: Path) -> str:
    """What a command prints, where nothing but the installed package can be found; AssertionError where it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SIFA"))}
    run = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    return run.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built by way of the source distribution, as on an index."""
    folder = tmp_path_factory.mktemp("dist")
    output_of(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def elsewhere(wheel) -> Path:
    """A folder with a clip and `env`, an environment with the wheel; what it depends on lies over it, this repository does not.

    Programs of that environment are kept from the network.
    """
    folder = wheel.parent / "elsewhere"
    venv.create(folder / "env", with_pip=True)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    shutil.copy(ROOT / "tests" / "offline.py", site / "kept_offline.py")
    (site / "kept_offline.pth").write_text("import kept_offline\n")
    (site / "overlay.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    )
    output_of(folder / "env/bin/python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=folder)
    shutil.copy(ROOT / "assets" / "samples" / SAMPLE, folder / "clip.mp4")
    return folder


@pytest.mark.full
def test_the_wheel_holds_the_library_the_page_and_the_assets(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"sifa", f"sifa_explorer-{sifa.__version__}.dist-info"}
    for folder, suffixes in (
        ("sifa", (".py", ".css", ".txt", ".typed")),
        ("app", (".py", ".css", ".js")),
        ("assets", (".safetensors", ".mp4", ".sifa")),
    ):
        there = [
            f.relative_to(ROOT).as_posix()
            for f in (ROOT / folder).rglob("*")
            if f.suffix in suffixes or f.name == "py.typed"
        ]
        assert there
        assert {name if folder == "sifa" else f"sifa/{name}" for name in there} <= set(names)
    assert not [name for name in names if "node_modules" in name or ".test." in name]


@pytest.mark.full
def test_it_installs_one_package_and_not_from_here(elsewhere):
    lines = output_of(
        elsewhere / "env/bin/python", "-m", "pip", "show", "-f", "sifa-explorer", cwd=elsewhere
    ).splitlines()
    files = [line.strip() for line in lines[lines.index("Files:") + 1 :]]
    assert {name.split("/")[0] for name in files if not name.startswith("..")} == {
        "sifa",
        f"sifa_explorer-{sifa.__version__}.dist-info",
    }
    assert [Path(name).name for name in files if name.startswith("..")] == ["sifa"]
    code = "import sifa, sys; print(sifa.__file__, *sys.path, sep='\\n')"
    found, *path = output_of(elsewhere / "env/bin/python", "-c", code, cwd=elsewhere).splitlines()
    assert Path(found).is_relative_to(elsewhere)
    assert str(ROOT) not in path


@pytest.mark.full
def test_it_is_kept_from_the_network(elsewhere):
    code = "import urllib.request as u\ntry: u.urlopen('http://192.0.2.1')\nexcept OSError as error: print(error)"
    assert "kept from the network" in output_of(elsewhere / "env/bin/python", "-c", code, cwd=elsewhere)


@pytest.mark.full
@pytest.mark.parametrize("command", [["sifa"], ["python", "-m", "sifa"]])
def test_the_command_predicts_a_clip_into_a_page(elsewhere, command):
    program, *rest = command
    page = elsewhere / f"{program}.html"
    answer = output_of(elsewhere / "env/bin" / program, *rest, "predict", "clip.mp4", "--out", page, cwd=elsewhere)
    assert "object moves right" in answer
    assert "explorer.render" in page.read_text(encoding="utf-8")


@pytest.mark.full
def test_its_weights_samples_labels_and_widget_are_in_it(elsewhere):
    code = """
assert [len(shipped.weights()), len(shipped.clips())] == [10, 11]
from sifa.weights.labels import class_names
assert class_names(400)[0] == "abseiling"
"""
    output_of(elsewhere / "env/bin/python", "-c", PREDICT + EXPLORE + code, cwd=elsewhere)


@pytest.mark.full
def test_the_page_answers(elsewhere):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [elsewhere / "env/bin/sifa", "app", "--port", str(port)],
        cwd=elsewhere,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as page:
        try:
            said = next((line for line in page.stdout if "The page is at" in line), "nothing")
            address = re.search(r"http://\S+", said)[0]
            assert b"gradio" in urlopen(address, timeout=20).read()
        finally:
            page.terminate()
