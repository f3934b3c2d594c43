"""The equation strip on the page; tests/viewer/test_equation.py holds its formulas and numbers against the model."""

import sifa
from sifa import explorer
from tests.browser.test_viewer import CANVAS, host_page, open_host, settle
from tests.predictions import moving_clip
from tests.tracing.test_interventions import nano_trained
from tests.viewer.test_equation import PLACES, SUM


def test_the_strip_follows_from_one_chain_to_another(page, tmp_path):
    """Traces with chains of other terms in one viewer: the strip is built anew, and each term has its own number."""
    chains = [dict(reading="paper"), dict(reading="released"), dict(saliency="none"), dict(reading="paper")]
    traces = [sifa.predict(nano_trained(**chain), moving_clip()) for chain in chains]
    open_host(page, host_page(tmp_path, [explorer.pack(trace) for trace in traces]))
    for number, chain in enumerate(chains):
        page.evaluate(f"() => put('trace', traces[{number}])")
        if not number:
            page.focus(CANVAS)
            page.keyboard.press("e")
        settle(page)
        said = {
            button.get_attribute("data-term"): button.locator("span, b, small").all_inner_texts()
            for button in page.locator("[data-term]").all()
        }
        paper, released = (chain.get("reading") == name for name in ("paper", "released"))
        assert [*said] == ["query", *["difference"] * paper, *["gate"] * (not released), *PLACES[1:], *SUM]
        assert said["offset"][0] == ("Δpₖ = 0" if released else "Δpₖ = conv(fₘ)")
        assert said["output"][2] == ("A is added to fₜ(p)" if paper else "LayerNorm(A) is added to fₜ(p)")
        if not released:
            assert said["gate"][0] == ("fₘ = σ(∂f) ⊙ fₜ₊₁" if paper else "fₘ = fₜ₊₁")
    assert page.problems == []
