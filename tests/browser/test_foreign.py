"""Other models' sampling points: small modules of three kinds are run, recorded and shown, and the viewer's numbers are theirs."""

import numpy as np
import pytest
import torch
from einops import einsum, rearrange
from torch import nn
from torch.nn.functional import grid_sample

from sifa import explorer
from tests.browser.test_viewer import open_page, pixels

pytestmark = pytest.mark.slow

CHANNELS, HEIGHT, WIDTH = 8, 6, 9


def cells(height=HEIGHT, width=WIDTH):
    return torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")).float()  # (2, H, W)


def read_at(features, points):
    """features (1, C, H, W), points (N, 2, H, W) as (y, x) in cells -> (C, N, H, W); outside is 0."""
    size = torch.tensor(features.shape[-2:]).view(2, 1, 1)
    place = rearrange((points + 0.5) / size * 2 - 1, "n two h w -> n h w two").flip(-1)
    return rearrange(
        grid_sample(features.expand(len(points), -1, -1, -1), place, align_corners=False), "n c h w -> c n h w"
    )


class DeformableConvolution(nn.Module):
    """Offsets and modulation from the features; the output is a weighted sum of what is read."""

    def __init__(self):
        super().__init__()
        self.offset = nn.Conv2d(CHANNELS, 2 * 9, 3, padding=1)
        self.mask = nn.Conv2d(CHANNELS, 9, 3, padding=1)
        self.weight = nn.Parameter(torch.randn(CHANNELS, CHANNELS, 9))

    def forward(self, x):
        offset = rearrange(self.offset(x)[0], "(n two) h w -> n two h w", two=2) * 3
        mask = self.mask(x)[0].sigmoid()
        steps = torch.arange(-1, 2)
        places = cells() + torch.cartesian_prod(steps, steps)[:, :, None, None] + offset
        out = einsum(self.weight, read_at(x, places), mask, "o c n, c n h w, n h w -> o h w")
        return out, places, offset, mask


class DeformableAttention(nn.Module):
    """Reference points in shares of the picture, offsets for each head and point, softmax over each head's points."""

    heads, points = 2, 5

    def __init__(self):
        super().__init__()
        self.offset = nn.Linear(CHANNELS, self.heads * self.points * 2)
        self.attention = nn.Linear(CHANNELS, self.heads * self.points)

    def forward(self, x):
        query = rearrange(x[0], "c h w -> h w c")
        reference = (cells().flip(0) + 0.5) / torch.tensor([WIDTH, HEIGHT]).view(2, 1, 1)  # (x, y), 0 to 1
        offset = rearrange(self.offset(query), "h w (m k two) -> m k two h w", m=self.heads, two=2) * 2
        location = reference + offset / torch.tensor([WIDTH, HEIGHT]).view(2, 1, 1)
        weights = rearrange(self.attention(query), "h w (m k) -> m k h w", m=self.heads).softmax(1)
        return location, offset, weights


class SharedPoints(nn.Module):
    """Deformed points that all queries share, and attention over them."""

    def __init__(self):
        super().__init__()
        self.offset = nn.Conv2d(CHANNELS, 2, 3, stride=3, padding=1)
        self.query, self.key = nn.Conv2d(CHANNELS, CHANNELS, 1), nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(self, x):
        offset = rearrange(self.offset(x)[0].tanh() * 2, "two h w -> (h w) two")
        reference = rearrange(cells(2, 3) * 3 + 1, "two h w -> (h w) two")  # (y, x) in cells
        keys = self.key(read_at(x, (reference + offset)[:, :, None, None])[None, :, :, 0])[0, :, :, 0]
        scores = einsum(self.query(x)[0], keys, "c h w, c n -> n h w") / CHANNELS**0.5
        return reference, offset, scores.softmax(0)


def read_convolution(module, _, output):
    _, places, _, mask = output
    return explorer.foreign_block("conv", places, mask, kernel=3, meaning="Modulation: a sigmoid, 0 to 1")


def read_heads(module, _, output):
    location, _, weights = output
    size = torch.tensor([HEIGHT, WIDTH]).view(2, 1, 1)
    return [
        explorer.foreign_block(f"attention, head {head + 1}", location[head].flip(1) * size - 0.5, weights[head])
        for head in range(module.heads)
    ]


def read_shared(module, _, output):
    reference, offset, weights = output
    points = (reference + offset)[:, :, None, None].expand(-1, -1, HEIGHT, WIDTH)
    return explorer.foreign_block("shared", points, weights, taps=reference, anchored=True)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


def recorded(module, reader):
    torch.manual_seed(1)
    module = module()
    x = torch.randn(1, CHANNELS, HEIGHT, WIDTH)
    with torch.no_grad(), explorer.record_modules(nn.Sequential(module), {"0": reader}) as seen:
        output = module(x)
    return seen, output


def read_outs(page, block):
    """Read-outs of all cells, as arrays (N, ..., H, W)."""
    found = page.evaluate(
        f"""() => {{ const {{ readout }} = document.querySelector('.sifa').sifa;
        return Array.from({{ length: {HEIGHT * WIDTH} }}, (_, i) => readout({block}, 0, Math.floor(i / {WIDTH}), i % {WIDTH}));
        }}"""
    )
    grid = lambda key: rearrange(np.array([read[key] for read in found], float), "(h w) n ... -> n ... h w", h=HEIGHT)
    moved = rearrange(np.array([read["displacement"] for read in found]), "(h w) two -> two h w", h=HEIGHT)
    return grid("points"), grid("offsets"), grid("weights"), grid("outside").astype(bool), moved


def shown(page, blocks, picture, tmp_path):
    explorer.show(blocks, picture, file=tmp_path / "a.html", model="a small module")
    open_page(page, tmp_path / "a.html")


def holds(read, points, offset, weights):
    seen_points, seen_offsets, seen_weights, outside, moved = read
    points, offset, weights = (np.asarray(values) for values in (points, offset, weights))
    np.testing.assert_allclose(seen_points, points, rtol=0, atol=1 / 64 + 1e-5)
    np.testing.assert_allclose(seen_offsets, offset, rtol=0, atol=1 / 64 + 1e-5)
    np.testing.assert_allclose(seen_weights, weights, rtol=0, atol=np.ptp(weights) / 500)
    clear = np.abs(points - np.clip(points, -1, np.array([HEIGHT, WIDTH])[:, None, None])).min(1) > 1 / 32
    size = np.array([HEIGHT, WIDTH])[:, None, None]
    off = ((points <= -1) | (points >= size)).any(1)
    np.testing.assert_array_equal(outside[clear], off[clear])
    mean = ((points - np.indices((HEIGHT, WIDTH))) * weights[:, None]).sum(0) / weights.sum(0)
    np.testing.assert_allclose(moved, mean, atol=0.05)
    return off


def test_a_deformable_convolution(page, picture, tmp_path):
    blocks, (out, places, offset, mask) = recorded(DeformableConvolution, read_convolution)
    shown(page, blocks, picture, tmp_path)
    assert holds(read_outs(page, 0), places, offset, mask).any()
    assert blocks[0].kernel == 3
    assert blocks[0].taps is None
    assert "Modulation: a sigmoid, 0 to 1" in page.inner_text(".sifa-scale")
    assert page.inner_text(".sifa-answer h2").lower() == "a small module"
    assert page.locator(".sifa-bars li").count() == 0
    assert "is repeated" not in page.inner_text(".sifa-note")
    assert "sampled frames around" not in page.inner_text(".sifa-note")
    assert page.problems == []


def number(text):
    return [float(v) for v in text.replace("\u2212", "-").strip("()").split(", ")]


@pytest.mark.parametrize("kind", ["convolution", "heads", "shared"])
def test_the_equation_has_only_what_was_recorded(page, picture, tmp_path, kind):
    module, reader = {
        "convolution": (DeformableConvolution, read_convolution),
        "heads": (DeformableAttention, read_heads),
        "shared": (SharedPoints, read_shared),
    }[kind]
    blocks, _ = recorded(module, reader)
    shown(page, blocks, picture, tmp_path)
    page.keyboard.press("e")
    page.wait_for_selector("[data-term]")
    terms = {}
    for button in page.locator("[data-term]").all():
        terms[button.get_attribute("data-term")] = button.locator("span, b, small").all_inner_texts()
    corners = [f"corner{n}" for n in range(4)]
    assert [*terms] == ["query", "offset", "tap", "point", *corners, "weight", "displacement"]
    assert [terms[name][0] for name in ("offset", "tap", "point", "weight")] == ["Δpₖ", "pₖ", "p′ = p + pₖ + Δpₖ", "wₖ"]
    assert terms["weight"][2] == blocks[0].meaning
    (y, x), tap = map(int, number(terms["query"][1])), int(page.inner_text(".sifa-tap").split()[1].rstrip(",")) - 1
    weights = blocks[0].attention[0]
    assert tap == np.abs(weights[:, y, x]).argmax()
    assert float(terms["weight"][1]) == pytest.approx(weights[tap, y, x], abs=float(np.ptp(weights)) / 500 + 5e-5)
    point = blocks[0].points[0, tap, :, y, x]
    np.testing.assert_allclose(number(terms["point"][1]), point, rtol=0, atol=1 / 64 + 0.0051)
    together = sum(np.array(number(terms[name][1])) for name in ("query", "tap", "offset"))
    np.testing.assert_allclose(together, point, rtol=0, atol=1 / 64 + 0.011)
    assert page.problems == []


def test_deformable_attention_with_heads(page, picture, tmp_path):
    blocks, (location, offset, weights) = recorded(DeformableAttention, read_heads)
    shown(page, blocks, picture, tmp_path)
    for head in range(2):
        points = torch.stack([location[head, :, 1] * HEIGHT - 0.5, location[head, :, 0] * WIDTH - 0.5], 1)
        holds(read_outs(page, head), points, offset[head].flip(1), weights[head])
    assert page.locator(".sifa-read td").count() == 5
    page.keyboard.press("]")
    page.wait_for_function("() => document.querySelector('.sifa-caption').textContent.includes('attention, head 2')")
    assert float(page.locator(".sifa-read dd").first.inner_text()) == pytest.approx(1, abs=0.02)
    assert page.problems == []


def test_points_that_all_queries_share(page, picture, tmp_path):
    blocks, (reference, offset, weights) = recorded(SharedPoints, read_shared)
    shown(page, blocks, picture, tmp_path)
    everywhere = lambda values: values[:, :, None, None].expand(-1, -1, HEIGHT, WIDTH)
    read = read_outs(page, 0)
    holds(read, everywhere(reference + offset), everywhere(offset), weights)
    assert page.locator(".sifa-read td").count() == 6
    again = explorer.unpack(explorer.pack(explorer.foreign(blocks, picture))).trace[0]
    assert again.anchored
    np.testing.assert_array_equal(again.taps, reference)
    np.testing.assert_allclose(again.displacement[0], read[4], atol=1e-3)
    assert page.problems == []


def test_a_notebook_shows_the_viewer_in_a_closed_frame(page, picture, tmp_path):
    blocks, _ = recorded(DeformableConvolution, read_convolution)
    cell = explorer.show(blocks, picture, file=tmp_path / "a.html")._repr_html_()
    (tmp_path / "notebook.html").write_text(f"<!doctype html><body>{cell}</body>")
    page.context.set_offline(True)
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frames[1]
    frame.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")
    assert frame.locator(".sifa-query canvas").bounding_box()["width"] > 300
    with page.expect_download() as download:
        frame.click("[data-share=menu]")
        frame.click("[data-export=npz]")
    assert np.load(download.value.path())["conv.offset"].shape == (1, 9, 2, HEIGHT, WIDTH)
    assert page.problems == []


def test_any_export_takes_foreign_blocks(picture, tmp_path):
    for module, reader in ((SharedPoints, read_shared), (DeformableAttention, read_heads)):
        blocks, _ = recorded(module, reader)
        prediction = explorer.foreign(blocks, picture)
        for suffix in (".png", ".svg", ".csv", ".npz"):
            assert explorer.export(prediction, tmp_path / f"a{suffix}", cell=(2, 3)).stat().st_size > 500


def test_marks_of_foreign_points_are_drawn(page, picture, tmp_path):
    blocks, _ = recorded(SharedPoints, read_shared)
    shown(page, blocks, picture, tmp_path)
    page.focus(".sifa-query canvas")
    before = pixels(page, ".sifa-key canvas")
    page.keyboard.press(
        "Shift+ArrowLeft" if page.evaluate("() => document.querySelector('.sifa').sifa.state.x") else "Shift+ArrowRight"
    )
    assert pixels(page, ".sifa-key canvas") != before
