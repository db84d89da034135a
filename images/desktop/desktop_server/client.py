"""Who asks, and under which host name: a proxy is believed only when it is this container's own host."""

import ipaddress
import struct
from dataclasses import dataclass

from multidict import CIMultiDictProxy


@dataclass(frozen=True)
class Client:
    address: str
    # The host and port that the browser shows, and whether by https.
    host: str
    secure: bool


def read_client(peer: str, headers: CIMultiDictProxy[str], proxy: str | None) -> Client:
    """`proxy` is the bridge's gateway, which is the host itself; what anybody else says about forwarding is made up."""
    address = peer.removeprefix("::ffff:")
    host = headers.get("Host", "")
    if proxy is None or address != proxy:
        return Client(address, host, secure=False)
    forwarded = _last(headers, "X-Forwarded-For", "").split(",")[-1].strip()
    return Client(
        address=forwarded if _is_address(forwarded) else address,
        host=_last(headers, "X-Forwarded-Host", host),
        secure=_last(headers, "X-Forwarded-Proto", "") == "https",
    )


def default_gateway(route_table: str) -> str | None:
    """The gateway's address in the kernel's /proc/net/route; None where the container has no way out."""
    for line in route_table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000" and fields[2] != "00000000":
            return str(ipaddress.IPv4Address(struct.pack("<I", int(fields[2], 16))))
    return None


def _last(headers: CIMultiDictProxy[str], name: str, default: str) -> str:
    """What the proxy added comes after what its client sent."""
    return headers.getall(name, [default])[-1]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False
