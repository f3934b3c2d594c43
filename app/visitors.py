"""Who the visitors are and who of them listens: addresses, open answers, broken connections."""

import ipaddress
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

FIRST_SECONDS = 30  # so long may it take until somebody begins to listen for an answer
AGAIN_SECONDS = 3  # so long may a connection be away
LONGEST_SECONDS = 10  # that a request waits so that the pace of its address is kept


class Visitors:
    """Sessions, and whether anybody listens for their answers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.arrived: Callable[[], None] = lambda: None  # called when somebody begins to listen
        self._listening: Counter[str] = Counter()
        self._left: dict[str, float] = {}  # when a session's last listener went

    @contextmanager
    def listen(self, session: str) -> Iterator[None]:
        """Somebody listens for the session's answers while the body runs."""
        self._listening[session] += 1
        self.arrived()
        try:
            yield
        finally:
            self._listening[session] -= 1
            if not self._listening[session]:
                del self._listening[session]
                now = self.clock()
                self._left.pop(session, None)  # so that the oldest stand first
                self._left[session] = now
                while self._left and next(iter(self._left.values())) < now - 2 * FIRST_SECONDS:
                    del self._left[next(iter(self._left))]

    def listens(self, session: str) -> bool:
        return session in self._listening

    def here(self, session: str, since: float) -> bool | None:
        """Whether the visitor who wished for something at the time `since` listens for it: None where nobody has begun to,
        False where they have left, or have not begun for too long."""
        if session in self._listening:
            return True
        now, left = self.clock(), self._left.get(session, 0)
        if left > since:
            return now - left < AGAIN_SECONDS
        return None if now - since < FIRST_SECONDS else False


class Pace:
    """How fast each address may go on: `burst` times at once, then `rate` times a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._next: dict[str, float] = {}  # the time at which each address has used nothing of its burst

    def delay(self, address: str, times: int = 1) -> float:
        """The seconds that this one, which counts so many times, has to wait so that the pace is kept."""
        now = self.clock()
        if len(self._next) > 1000:
            self._next = {each: then for each, then in self._next.items() if then > now}
        self._next[address] = max(self._next.get(address, now), now) + times / self.rate
        return self.behind(address)

    def behind(self, address: str) -> float:
        """The seconds that the last of its times had to wait, less what has passed since."""
        return max(0.0, self._next.get(address, 0) - self.clock() - self.burst / self.rate)


def address_of(scope: Mapping[str, Any], proxies: int = 0) -> str:
    """Whose request it is: the address of the other end, or behind that many proxies of ours the one that the outermost of
    them saw."""
    address = (scope.get("client") or ("unknown",))[0]
    if proxies:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
        hops = [hop.strip() for hop in ",".join(values).split(",") if hop.strip()]
        if hops:
            address = hops[-proxies] if len(hops) >= proxies else hops[0]
    return network_of(str(address))


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or of an IPv6 one the network, since one visitor has a whole one. A port
    behind it, which some proxies say, does not count."""
    found = re.fullmatch(r"\[([^]]*)\](?::\d+)?|([^:]*):\d+", address)
    try:
        parsed = ipaddress.ip_address((found[1] or found[2] if found else address).partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
