import unittest

from desktop_server.guesses import AT_ONCE, MOST_ADDRESSES, SECONDS_EACH, Guesses


def after(count, address="203.0.113.9", now=0.0):
    guesses = Guesses()
    for _ in range(count):
        guesses.add_wrong(address, now)
    return guesses


class GuessesTest(unittest.TestCase):
    def test_ten_wrong_ones_are_free_and_the_next_has_to_wait(self):
        self.assertEqual(after(AT_ONCE - 1).seconds_to_wait("203.0.113.9", 0.0), 0.0)
        self.assertEqual(after(AT_ONCE).seconds_to_wait("203.0.113.9", 0.0), SECONDS_EACH)

    def test_waiting_is_over_when_its_time_is(self):
        guesses = after(AT_ONCE)
        self.assertEqual(guesses.seconds_to_wait("203.0.113.9", 3.0), SECONDS_EACH - 3.0)
        self.assertEqual(guesses.seconds_to_wait("203.0.113.9", SECONDS_EACH), 0.0)

    def test_in_the_long_run_one_in_five_seconds_can_be_tried(self):
        guesses, tried = Guesses(), 0
        for second in range(600):
            while guesses.seconds_to_wait("203.0.113.9", float(second)) == 0.0:
                guesses.add_wrong("203.0.113.9", float(second))
                tried += 1
        self.assertAlmostEqual(tried, AT_ONCE + 600 / SECONDS_EACH, delta=1)

    def test_another_address_is_not_held_back_and_a_right_password_clears(self):
        guesses = after(AT_ONCE)
        self.assertEqual(guesses.seconds_to_wait("203.0.113.10", 0.0), 0.0)
        guesses.forget("203.0.113.9")
        self.assertEqual(guesses.seconds_to_wait("203.0.113.9", 0.0), 0.0)

    def test_a_whole_network_of_ipv6_counts_as_one(self):
        guesses = after(AT_ONCE, "2001:db8::1")
        self.assertGreater(guesses.seconds_to_wait("2001:db8::2", 0.0), 0)
        self.assertEqual(guesses.seconds_to_wait("2001:db8:0:1::1", 0.0), 0.0)

    def test_it_remembers_only_so_many(self):
        guesses = after(AT_ONCE)
        for number in range(MOST_ADDRESSES):
            guesses.add_wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
        self.assertEqual(guesses.seconds_to_wait("203.0.113.9", 0.0), 0.0)


if __name__ == "__main__":
    unittest.main()
