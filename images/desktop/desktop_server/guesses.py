"""How often a password may be guessed."""

import ipaddress

AT_ONCE = 10
SECONDS_EACH = 5.0
MOST_ADDRESSES = 4096


class Guesses:
    """An address may be wrong ten times, then once every five seconds. Mild on purpose: behind an unknown proxy
    everyone has the same address, and the person with the right password must not be locked out for long."""

    def __init__(self) -> None:
        # For each address, how many wrong ones count against it and when that was true.
        self._wrong: dict[str, tuple[float, float]] = {}

    def seconds_to_wait(self, address: str, now: float) -> float:
        """0 when a password may be tried now."""
        return max(0.0, round((self._count(address, now) - (AT_ONCE - 1)) * SECONDS_EACH, 3))

    def add_wrong(self, address: str, now: float) -> None:
        count = self._count(address, now) + 1
        self._wrong.pop(network_of(address), None)
        self._wrong[network_of(address)] = (count, now)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.pop(next(iter(self._wrong)))

    def forget(self, address: str) -> None:
        self._wrong.pop(network_of(address), None)

    def _count(self, address: str, now: float) -> float:
        count, when = self._wrong.get(network_of(address), (0.0, now))
        return max(0.0, count - (now - when) / SECONDS_EACH)


def network_of(address: str) -> str:
    """An IPv6 client has a whole /64 to guess from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
