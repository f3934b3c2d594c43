"""Under which names the page may be asked for: a foreign name that leads here is how a foreign page would read it."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

LOCAL = ("localhost", "127.0.0.1", "[::1]")
ANY = "*"


def name_of(host: str) -> str:
    """The name in a header like `Example.org:80`, in small letters; empty where there is none."""
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]]+?)\.?(:\d+)?", host.strip().lower())
    return found[1] if found else ""


def is_address(name: str) -> bool:
    """Whether a name is an address in numbers."""
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class Hosts:
    """The names that are answered: those of this computer, `own` among them, and those in `names`, of which
    `*.example.org` stands for all below example.org, and `*` for every name; with `addresses`, every address written in
    numbers, too. Pages of `around` may show the page inside them, as those of these names may."""

    def __init__(
        self, names: Iterable[str] = (), own: str = LOCAL[0], addresses: bool = False, around: Iterable[str] = ()
    ) -> None:
        self.named, self.own = {name.lower() for name in names}, (*LOCAL, own.lower())
        self.addresses, self.around = addresses, [*around]

    def allows(self, host: str) -> bool:
        """Whether the header Host names the page."""
        name = name_of(host)
        by_number = self.addresses and is_address(name)  # which no foreign page can have as its own name
        return name in self.own or by_number or (bool(name) and ANY in self.named) or self.chose(name)

    def chose(self, name: str) -> bool:
        """Whether somebody named this one, or those below which it lies, for the page."""
        return any(
            pattern == name or (pattern.startswith("*.") and name.endswith(pattern[1:])) for pattern in self.named
        )

    def owns(self, origin: str, host: str) -> bool:
        """Whether the page of an origin is the page at `host`, or at a chosen name that a proxy replaced by `host`."""
        scheme, _, place = origin.lower().partition("://")
        return scheme in ("http", "https") and (place == host.lower() or self.chose(name_of(place)))

    def ancestors(self) -> str:
        """For the content policy: the pages that may show this one inside them."""
        if ANY in self.named and not self.around:
            return ANY
        names = [name for name in (*LOCAL, *sorted(self.named - {ANY})) if not name.startswith("[")]
        return " ".join(["'self'", *(f"{name}:*" for name in names), *self.around])
