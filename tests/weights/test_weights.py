import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

import sifa
from sifa.cli import main
from sifa.weights.checkpoint import adopt, load_weights, save
from tests.predictions import nano_model


@pytest.fixture
def file(tmp_path):
    model = nano_model()
    save(model, model.card, tmp_path / "nano.safetensors")
    return tmp_path / "nano.safetensors"


def test_a_checkpoint_brings_its_model_and_its_card(file):
    model = sifa.load(file)
    video = torch.randn(1, 3, 16, 64, 64)
    assert torch.equal(model(video), nano_model()(video))
    assert model.card.variant == "sifa_swin_nano_16x64"
    assert model.card.file == "nano.safetensors"
    assert len(model.card.sha256) == 64
    assert not model.training


def test_the_shipped_checkpoint_is_small_and_says_what_it_knows():
    model = sifa.load()
    card = model.card
    assert sum(p.numel() for p in model.parameters()) < 3_000_000
    assert "generated clips" in card.trained_on
    assert "true flow" in card.trained_on
    assert [group.name for group in card.groups] == ["camera", "things"]
    assert all(0 < group.unsure_below < 1 for group in card.groups)  # stated, and measured
    assert card.metrics["top1"] >= 0.6  # of both answers


def test_files_that_are_no_checkpoint_are_refused_in_words(tmp_path, file):
    with pytest.raises(sifa.WeightsError, match="there is no checkpoint nothing.safetensors"):
        sifa.load(tmp_path / "nothing.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(
        sifa.WeightsError, match=r"text.safetensors is a text, which holds no weights; give the weights as"
    ):
        sifa.load(tmp_path / "text.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(file.read_bytes()[:5000])
    with pytest.raises(
        sifa.WeightsError, match=r"cut.safetensors is a safetensors file that is cut off or damaged; copy"
    ):
        sifa.load(tmp_path / "cut.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "plain.safetensors")
    with pytest.raises(sifa.WeightsError, match="not the card"):
        sifa.load(tmp_path / "plain.safetensors")


def test_loading_is_strict_and_names_the_keys():
    model = nano_model()
    state = model.state_dict()
    del state["head.bias"]
    state["extra.weight"] = torch.zeros(1)
    state["norm.bias"] = torch.zeros(3)
    with pytest.raises(sifa.WeightsError, match=r"missing: head.bias.*extra.weight.*norm.bias \(3,\) instead of"):
        load_weights(model, state)


class Attack:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def test_pickled_code_is_never_executed(tmp_path):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Attack(), protocol=2))
    torch.save({"model": Attack()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(sifa.WeightsError, match="never executed"):
            load_weights(nano_model(), tmp_path / name)


def test_malformed_files_each_give_one_clear_error(tmp_path):
    model = nano_model()
    torch.save(model.state_dict(), tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()

    def refused(name: str, content: bytes | dict, words: str):
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        else:
            torch.save(content, tmp_path / name)
        with pytest.raises(sifa.WeightsError, match=words) as error:
            load_weights(model, tmp_path / name)
        assert name.removesuffix(".pth") in str(error.value) or "state dict" in str(error.value)

    refused("cut.pth", whole[: len(whole) // 2], "cut.pth is cut off or damaged, or no PyTorch file")
    refused("text.pth", b"these are not weights\n", "text.pth is a text, which holds no weights; give")
    refused("empty.pth", b"", "empty.pth is empty; copy or download it again")
    refused("nothing.pth", {}, "it is empty")
    refused("numbers.pth", {"epoch": 3}, "also holds epoch, which are no named tensors")
    refused("keys.pth", {1: torch.zeros(1)}, "also holds 1, which are no named tensors")
    refused("sparse.pth", {"a": torch.zeros(2).to_sparse()}, "also holds a, which are no named tensors")
    refused("meta.pth", {"a": torch.empty(2, device="meta")}, "also holds a, which are no named tensors")
    refused("list.pth", [torch.zeros(1)], "holds a list, not a state dict")
    refused("wide.pth", {"head.bias": torch.zeros(1).expand(10**9)}, r"head.bias \(1000000000,\) claims more numbers")
    with pytest.raises(sifa.WeightsError, match="there is no checkpoint nowhere.pth"):
        load_weights(model, tmp_path / "nowhere.pth")


def test_a_zip_bomb_is_not_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(sifa.WeightsError, match=r"would unpack to 50.0 MB; PyTorch's files are not compressed"):
        load_weights(nano_model(), tmp_path / "bomb.pth")


def test_a_pth_with_the_training_codes_wrapping(tmp_path):
    model = nano_model()
    torch.save({"model": {f"module.{k}": v for k, v in model.state_dict().items()}}, tmp_path / "a.pth")
    other = sifa.create_model("sifa_swin_nano_16x64")
    load_weights(other, tmp_path / "a.pth")
    assert torch.equal(other.head.weight, model.head.weight)


def test_numbers_that_no_model_computes_with_are_refused():
    """Weights that ran away, and those of a type that only other code can read, such as eight bits."""
    model = nano_model()
    good = model.state_dict()
    for value in (float("nan"), float("inf")):
        with pytest.raises(sifa.WeightsError, match="with numbers that are infinite or none: head.bias$"):
            load_weights(model, good | {"head.bias": good["head.bias"] + value})
    with pytest.raises(sifa.WeightsError, match="of another type: head.bias int8$"):
        load_weights(model, good | {"head.bias": good["head.bias"].to(torch.int8)})
    load_weights(model, {name: value.double() for name, value in good.items()})


def test_a_head_without_classes_is_refused(tmp_path):
    torch.save(
        {"patch_embed.proj.weight": torch.zeros(2, 2, 2, 2, 2), "head.weight": torch.zeros(())}, tmp_path / "a.pth"
    )
    with pytest.raises(sifa.WeightsError, match="do not fit"):
        adopt(tmp_path / "a.pth", "sifa_swin_nano_16x64")


def test_an_error_shows_what_changes_the_screen_as_text(tmp_path, capsys):
    torch.save(nano_model().state_dict() | {"\x1b[31mred": torch.zeros(1)}, tmp_path / "a.pth")
    words = [
        "convert",
        str(tmp_path / "a.pth"),
        "--variant",
        "sifa_swin_nano_16x64",
        "--out",
        str(tmp_path / "b.safetensors"),
    ]
    assert main(words) == 1
    assert "\\x1b[31mred" in (said := capsys.readouterr().err)
    assert "\x1b" not in said
