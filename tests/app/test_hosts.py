"""Under which names the page is asked for, and which pages are its own."""

import pytest

from app.hosts import Hosts, name_of


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.ORG:80", "example.org"),
        ("example.org.", "example.org"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:7860", "[::1]"),
        ("[::1", ""),
        ("::1", ""),
        ("a b", ""),
        ("user@localhost", ""),
        ("localhost:80:80", ""),
        ("localhost/evil.example", ""),
        ("", ""),
    ],
)
def test_the_name_in_a_header(host, name):
    assert name_of(host) == name


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7860", "127.0.0.1:7860", "[::1]:7860"])
def test_this_computer_is_always_known(host):
    assert Hosts().allows(host)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1", "127.0.0.2", "", "[::2]"]
)
def test_other_names_are_not(host):
    assert not Hosts().allows(host)
    assert not Hosts(["clips.example.org", "*.hf.space"]).allows(host)
    assert Hosts(["*"]).allows(host) == bool(host)


def test_chosen_names_and_all_below_one():
    hosts = Hosts(["Clips.example.org", "*.hf.space"])
    assert hosts.allows("clips.example.org:443")
    assert hosts.allows("me-page.hf.space")
    assert not hosts.allows("hf.space")
    assert not hosts.allows("evilhf.space")
    assert not hosts.allows("x.clips.example.org")


def test_addresses_in_numbers_where_the_page_listens_on_all():
    hosts = Hosts(addresses=True)
    assert hosts.allows("192.0.2.1:7860")
    assert hosts.allows("[2001:db8::1]")
    assert not hosts.allows("evil.example")


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://localhost:7860", True),
        ("https://localhost:7860", True),
        ("https://clips.example.org", True),  # the proxy has changed the header Host
        ("http://localhost:1", False),
        ("http://evil.example", False),
        ("ftp://localhost:7860", False),
        ("null", False),
        ("", False),
    ],
)
def test_the_page_that_sends(origin, own):
    assert Hosts(["clips.example.org"]).owns(origin, "localhost:7860") == own


def test_every_name_does_not_mean_every_page():
    assert not Hosts(["*"]).owns("http://evil.example", "clips.example.org")
    assert Hosts(["*"]).owns("https://clips.example.org", "clips.example.org")


def test_the_pages_around():
    assert Hosts().ancestors() == "'self' localhost:* 127.0.0.1:*"
    assert Hosts(["*.hf.space", "[::1]"]).ancestors() == "'self' localhost:* 127.0.0.1:* *.hf.space:*"
    assert Hosts(["*"]).ancestors() == "*"
    assert Hosts(["*"], around=["https://huggingface.co"]).ancestors().endswith("127.0.0.1:* https://huggingface.co")
