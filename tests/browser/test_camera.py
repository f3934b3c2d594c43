"""A recording with the camera, in real Chromium with its pretended device: small enough, read, and shown."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.app.program import start
from tests.browser.conftest import ARGUMENTS
from tests.browser.test_app import HEADING

PRETENDED = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = start(tmp_path_factory.mktemp("camera"))
    yield app
    app.stop()


@pytest.fixture
def camera(chromium):
    """A page of a browser of its own: a camera is pretended for a whole one."""
    browser = chromium.browser_type.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS + PRETENDED)
    page = browser.new_context(
        viewport=dict(width=1280, height=900), permissions=["camera"], reduced_motion="reduce"
    ).new_page()
    page.set_default_timeout(20_000)
    yield page
    browser.close()


@pytest.mark.parametrize("milliseconds", [700, 2500])
def test_a_recording_is_read(app, camera, milliseconds):
    camera.goto(app.url)
    camera.locator(HEADING).wait_for()
    camera.click(".open-clip")
    upload = camera.locator("#upload")
    upload.get_by_role("button", name="Use the camera").click()
    camera.wait_for_function("() => document.querySelector('#upload .live').videoWidth")
    size = camera.evaluate(
        "() => (({ videoWidth, videoHeight }) => [videoWidth, videoHeight])(document.querySelector('.live'))"
    )
    assert size <= [640, 480]
    upload.get_by_role("button", name="Record").click()
    camera.wait_for_timeout(milliseconds)
    upload.get_by_role("button", name="Stop and run").click()
    expect(camera.locator("#status")).to_contain_text(re.compile(r"recording\.webm frames? 0"), timeout=60_000)
    expect(camera.locator("#status .failed")).to_have_count(0)
    camera.click(".open-clip")
    expect(upload.locator("figure video")).to_be_visible()
    expect(upload.locator(".live")).to_be_hidden()


def test_the_camera_can_be_turned_off_and_a_refused_one_is_explained(app, camera):
    camera.goto(app.url)
    camera.locator(HEADING).wait_for()
    camera.click(".open-clip")
    upload = camera.locator("#upload")
    upload.get_by_role("button", name="Use the camera").click()
    upload.get_by_role("button", name="Record").click()
    upload.get_by_role("button", name="Turn it off").click()
    expect(upload.get_by_role("button", name="Use the camera")).to_be_visible()
    expect(upload.locator(".live")).to_be_hidden()
    camera.wait_for_timeout(1000)
    expect(camera.locator("#status")).not_to_contain_text("recording")
    camera.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('Permission denied'); }; }"
    )
    upload.get_by_role("button", name="Use the camera").click()
    expect(camera.locator("#notices .refused")).to_contain_text(
        "The camera cannot be used (Permission denied). Allow it"
    )
