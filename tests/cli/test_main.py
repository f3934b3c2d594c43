"""The command itself: what every subcommand has in common."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import sifa
from app import server
from sifa import cli
from sifa.cli import COMMANDS, main
from sifa.errors import DataError
from sifa.model import kernels

ROOT = Path(__file__).parents[2]
NANO = str(ROOT / "assets" / "sifa_swin_nano_16x64.safetensors")
SAMPLE = str(next((ROOT / "assets" / "samples").glob("02_*.mp4")))
URL = "https://weights.example/some/model.safetensors"


def python(*arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_module_is_the_same_as_the_command():
    done = python("-m", "sifa", "--version")
    assert (done.returncode, done.stdout) == (0, f"sifa {sifa.__version__}, {kernels.described()}\n")
    done = python("-m", "sifa", "predict", "none.mp4")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "there is no file none.mp4; check the path\n"


def test_the_version_says_which_engine_works_and_refuses_an_unknown_one(monkeypatch, capsys):
    monkeypatch.setenv("SIFA_KERNEL", "torch")
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert "operator by torch on the CPU" in capsys.readouterr().out
    monkeypatch.setenv("SIFA_KERNEL", "fortran")
    assert main(["--version"]) == 1
    assert "SIFA_KERNEL is 'fortran'; use torch, numba or triton" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["--help"])
    assert exit.value.code == 0
    said = capsys.readouterr().out
    for name, line in COMMANDS.items():
        assert f"\n    {name}" in said
        assert line in " ".join(said.split())


@pytest.mark.parametrize(("option", "said"), [("--help", "usage: sifa [-h]"), ("--version", "sifa ")])
def test_an_option_before_app_does_not_start_the_page(option, said, monkeypatch, capsys):
    monkeypatch.setattr("sifa.cli.app.run", lambda argv: pytest.fail("the page would start"))
    with pytest.raises(SystemExit) as exit:
        main([option, "app"])
    assert exit.value.code == 0
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_that_it_understands(name, capsys):
    with pytest.raises(SystemExit) as exit:
        main([name, "--help"])
    assert exit.value.code == 0
    said = capsys.readouterr().out
    examples = said[said.index("examples:") :].splitlines()[1:]
    assert len(examples) >= 2
    for example in examples:
        command = example.split("     ")[0].split("   ")[0].split()
        assert "sifa" in command
        words = command[command.index("sifa") + 1 :]
        assert words[0] == name
        parsed(words)


def parsed(words):
    """The arguments of a command line, without running it."""
    if words[0] == "app":
        return server.parser("sifa app").parse_args(words[1:])
    seen = []
    command = sys.modules[f"sifa.cli.{words[0]}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "run", lambda arguments: seen.append(arguments) or 0)
        assert main(words) == 0
    return seen[0]


def test_help_does_not_wait_for_torch():
    """Beside what `import sifa` itself brings."""
    program = (
        "import sys, sifa; brought = set(sys.modules); from sifa.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sorted(name for name in set(sys.modules) - brought if name.startswith(('torch', 'sifa'))))"
    )
    done = python("-c", program)
    assert done.stdout.splitlines()[-1] == "sifa.cli sifa.cli.options", done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["predict", SAMPLE, "--checkpoint", URL],
        ["trust", SAMPLE, "--checkpoint", URL],
        ["metamorphic", str(ROOT), "--checkpoint", URL],
        ["evaluate", "--checkpoint", URL],
        ["evaluate", "--table", "--checkpoint", URL],
        ["evaluate", "--confusion", "page.html", "--checkpoint", URL],
        ["train", "--out", "run", "--checkpoint", URL],
        ["make", "samples", "--out", "samples", "--checkpoint", URL],
        ["convert", URL, "--variant", "sifa_resnet50_16x224", "--out", "made.safetensors"],
    ],
    ids=lambda words: " ".join(words[:2]).replace(SAMPLE, "").strip(),
)
def test_weights_may_be_a_url_in_every_command(words, monkeypatch, capsys, tmp_path):
    asked = []

    def refuse(url, **_):
        asked.append(url)
        raise OSError("no network in this test")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("SIFA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    assert asked == [URL]
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"{URL} could not be downloaded")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["predict"], "the following arguments are required: clip"),
        (["predict", SAMPLE, "--device", "tpu"], "'tpu' is no device; use auto, cpu, cuda or cuda:N"),
        (["predict", SAMPLE, "--out", "a.txt"], "--out ends in '.txt'; use .sifa (trace), .html (page) or .json"),
        (
            ["predict", SAMPLE, "--sampling-rate", "0"],
            "--sampling-rate: it is 0; give a whole number from 1 to 1000000",
        ),
        (["predict", SAMPLE, "--checkpoint", ""], "--checkpoint: it is empty; give a file, a URL or hf-hub:owner/name"),
        (["evaluate", "--clips", "1e9"], "--clips: it is 1e9; give a whole number from 1 to 1000000"),
        (["evaluate", "--views", "2x3"], "--views is for labelled videos; give them with --data"),
        (["evaluate", "--amp", "bfloat16", "--batch", "2"], "--amp, --batch is for labelled videos"),
        (
            ["evaluate", "--real", "a", "--data", "b"],
            "--real compares with OpenCV, and its figures are no part of a card",
        ),
        (["evaluate", "--confusion", "a.txt"], "--confusion ends in '.txt'; use .html"),
        (["evaluate", "--failures", "a.txt"], "--failures ends in '.txt'; use .png, .jpg or .webp"),
        (["cost", "--num-frames", "3"], "num_frames is 3; it must be a multiple of 4, the tubelet"),
        (["train", "--out", "run", "--steps", "-1"], "--steps: it is -1; give a whole number from 1 to 1000000"),
        (["train", "--out", "run", "--lr", "nan"], "--lr: it is nan; give a number, at least 0"),
        (["train", "--out", "run", "--label-smoothing", "2"], "--label-smoothing: it is 2; give a number from 0 to 1"),
        (["train", "--out", "run", "--measure", "-1"], "--measure: it is -1; give a whole number from 0 to 1000000"),
        (
            ["train", "--out", "run", "--threads", "100000"],
            "--threads: it is 100000; give a whole number from 1 to 1024",
        ),
        (["train", "--out", "run", "--config", "[1]"], "--config: it is [1]; give a JSON object"),
        (["train", "--out", "run", "--config", "{"], "--config: it is {; give a JSON object"),
        (["train", "--out", "run", "--variant", "nano"], "no model is called 'nano'; there are sifa_swin,"),
        (["train", "--out", "run", "--config", '{"saliency": "relaesed"}'], "saliency is 'relaesed'; use"),
        (
            ["train", "--out", "run", "--checkpoint", NANO, "--config", '{"img_size": 65}'],
            "img_size is 65; it must be a",
        ),
        (["train", "--out", "run", "--labels", "a.txt"], "--labels names the classes of --data; give both"),
        (["train", "--out", "run", "--data", "a", "--variant", "sifa_swin"], "--variant cannot change with --data"),
        (["train", "--out", "run", "--data", "a", "--recipe", "free"], "--recipe is for generated clips; leave it out"),
        (["app", "--port", "99999"], "--port: it is 99999; give a whole number from 1 to 65535"),
        (["app", "--device", "tpu"], "'tpu' is no device; use auto, cpu, cuda or cuda:N"),
        (["make", "pasted"], "sifa make pasted needs a folder to write; give --out"),
        (["train"], "the following arguments are required: --out"),
        (["cost", "--num-frames", "30"], "num_frames is 30; it must be a multiple of 4"),
        (
            ["train", "--out", "run", "--config", '{"offsets": "lerned"}'],
            'offsets is \'lerned\'; use "learned" or "zero"',
        ),
    ],
)
def test_a_wrong_call_ends_with_2(words, why, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        main(words)
    assert exit.value.code == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.startswith("usage: sifa")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("no clips; make some"), 1, "no clips; make some"),
        (FileNotFoundError(2, "No such file or directory", "a/b.json"), 1, "a/b.json: No such file or directory"),
        (OSError("the disk is full"), 1, "the disk is full"),
        (
            ModuleNotFoundError("No module named 'skimage'", name="skimage.data"),
            1,
            "this needs skimage, which is not installed; pip install 'sifa-explorer[train]'",
        ),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_an_error_is_one_sentence_and_a_code(error, code, said, monkeypatch, capsys):
    def fail(argv):
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    assert main(["cost"]) == code
    assert capsys.readouterr().err == said + "\n"


@pytest.mark.parametrize(
    "mistake", [ZeroDivisionError(), ModuleNotFoundError("No module named 'sifa.cot'", name="sifa.cot")]
)
def test_a_mistake_of_ours_is_not_hidden(mistake, monkeypatch):
    def fail(argv):
        raise mistake

    monkeypatch.setattr(cli, "_run", fail)
    with pytest.raises(type(mistake)):
        main(["cost"])


@pytest.mark.slow
def test_json_is_all_that_is_printed(capsys):
    assert main(["cost", "--num-frames", "16", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sifa_swin_nano 16"]["parameters"] > 4e5
    assert main(["cost", "--num-frames", "16"]) == 0
    assert "| sifa_swin_nano | 16 |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["predict", ""], "the folder . holds no numbered pictures such as 00001.jpg; check the path"),
        (
            ["predict", SAMPLE, "--out", "none/page.html"],
            "there is no folder none to write page.html into; make it first",
        ),
        (["predict", SAMPLE, "--checkpoint", "."], ". is a folder; give the .safetensors file in it"),
        (["trust", SAMPLE, "--checkpoint", "none"], "there is no checkpoint none; check the path"),
        (["metamorphic", "none"], "there is no folder none; check the path"),
        (["evaluate", "--data", SAMPLE], f"{Path(SAMPLE).name} could not be read as a list of clips"),
        (["train", "--out", "run", "--data", SAMPLE], f"{Path(SAMPLE).name} could not be read as a list of clips"),
        (
            ["convert", SAMPLE, "--variant", "sifa_swin", "--out", "none/a.safetensors"],
            "there is no folder none to write",
        ),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_one_sentence(words, why, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(why)
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
