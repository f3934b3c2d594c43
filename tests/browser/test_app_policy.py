"""What the browser is told of the page holds in Chromium: the page works whole, and nothing else runs."""

import re

import pytest

from .test_app import app, files, opening, own_clip, ready, sample  # noqa: F401

INLINE = "const s = document.createElement('script'); s.textContent = 'window.evil = 1'; document.body.append(s);"
HANDLER = "document.body.insertAdjacentHTML('beforeend', '<img src=x: onerror=\"window.evil = 1\">');"


@pytest.fixture
def watched(page, app):  # noqa: F811
    """The page with its first sample, and all that the policy forbade: page.forbidden."""
    page.set_default_timeout(20_000)
    page.forbidden = []
    page.expose_function("forbidden", lambda what: page.forbidden.append(what))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => forbidden(`${e.effectiveDirective} ${e.blockedURI}`))"
    )
    page.policy = page.goto(app.url).headers["content-security-policy"]
    ready(page)
    return page


def test_the_whole_page_works_within_its_policy(watched, files):  # noqa: F811
    sample(watched, "camera pans left")
    ready(watched, "camera_pans_left")
    own_clip(watched, files / "numbered.mp4")
    ready(watched, "numbered.mp4")
    watched.wait_for_function("() => document.querySelector('#upload figure video').videoWidth === 128")
    opening(watched)
    with watched.expect_download() as download:
        watched.get_by_role("button", name="Save as one page").click()
    assert download.value.suggested_filename == "numbered.html"
    watched.wait_for_load_state("networkidle")
    assert watched.forbidden == []
    assert watched.problems == []


@pytest.mark.parametrize("evil", [INLINE, HANDLER], ids=["script", "handler"])
def test_scripts_that_are_not_of_the_page_do_not_run(watched, evil):
    watched.evaluate(evil)
    watched.wait_for_timeout(300)
    assert watched.evaluate("() => window.evil") is None
    assert any(one.startswith("script-src") for one in watched.forbidden)


def test_the_policy_has_no_wildcard_and_nothing_is_asked_elsewhere(watched):
    policy = dict(part.split(" ", 1) for part in watched.policy.split("; "))
    assert policy.pop("frame-ancestors") == "'self' localhost:* 127.0.0.1:*"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert not re.search(r"\*|https?:", " ".join(policy.values()))
    watched.evaluate("() => fetch('http://localhost:9/').catch(() => {})")
    watched.wait_for_timeout(200)
    assert watched.forbidden == ["connect-src http://localhost:9/"]


def test_an_exported_page_is_saved_and_never_shown_as_one_of_ours(watched, app, tmp_path):  # noqa: F811
    (tmp_path / "evil.html").write_text("<script>window.opener.evil = 1</script>")
    form = dict(files=dict(name="evil.html", mimeType="text/html", buffer=(tmp_path / "evil.html").read_bytes()))
    path = watched.request.post(f"{app.url}/gradio_api/upload", multipart=form).json()[0]
    with watched.expect_download() as download:
        watched.evaluate("url => { location.href = url }", f"{app.url}/gradio_api/file={path}")
    assert download.value.suggested_filename == "evil.html"
