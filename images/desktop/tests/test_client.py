import unittest

from multidict import CIMultiDict, CIMultiDictProxy

from desktop_server.client import default_gateway, read_client

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100120A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000120A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def headers(*pairs):
    return CIMultiDictProxy(CIMultiDict(pairs))


FORWARDED = headers(
    ("Host", "a.example"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-Host", "b.example"),
    ("X-Forwarded-Proto", "https"),
)


class DefaultGateway(unittest.TestCase):
    def test_is_read_from_the_route_that_leads_everywhere(self):
        self.assertEqual(default_gateway(ROUTES), "10.18.0.1")

    def test_is_none_where_nothing_leads_out(self):
        self.assertIsNone(default_gateway(ROUTES.splitlines()[0]))
        self.assertIsNone(default_gateway("\n".join(ROUTES.splitlines()[::2])))


class ReadClient(unittest.TestCase):
    def test_believes_the_host_that_forwards(self):
        client = read_client("10.18.0.1", FORWARDED, "10.18.0.1")
        self.assertEqual((client.address, client.host, client.secure), ("203.0.113.9", "b.example", True))

    def test_believes_nobody_else(self):
        for proxy in ("10.18.0.1", None):
            client = read_client("10.18.0.7", FORWARDED, proxy)
            self.assertEqual((client.address, client.host, client.secure), ("10.18.0.7", "a.example", False))

    def test_takes_the_nearest_of_several_and_no_nonsense(self):
        for claimed, address in (
            ("1.1.1.1, 2.2.2.2", "2.2.2.2"),
            ("<script>", "10.18.0.1"),
            ("", "10.18.0.1"),
            ("2001:db8::1", "2001:db8::1"),
        ):
            client = read_client("10.18.0.1", headers(("X-Forwarded-For", claimed)), "10.18.0.1")
            self.assertEqual(client.address, address)

    def test_takes_what_the_proxy_added_not_what_its_client_sent(self):
        twice = headers(("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2"))
        self.assertEqual(read_client("10.18.0.1", twice, "10.18.0.1").address, "2.2.2.2")


if __name__ == "__main__":
    unittest.main()
