import unittest

from deskgate.client import default_gateway, read_client

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100120A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000120A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
FORWARDED = {"host": "a.example", "x-forwarded-for": "203.0.113.9", "x-forwarded-host": "b.example", "x-forwarded-proto": "https"}


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
        for claimed, address in (("1.1.1.1, 2.2.2.2", "2.2.2.2"), ("<script>", "10.18.0.1"), ("", "10.18.0.1"), ("2001:db8::1", "2001:db8::1")):
            self.assertEqual(read_client("10.18.0.1", {"x-forwarded-for": claimed}, "10.18.0.1").address, address)


if __name__ == "__main__":
    unittest.main()
