import unittest

from desktop_server.typist import Keys, split_text, to_keysym


class Typing(unittest.TestCase):
    def test_gives_characters_the_keys_that_were_used_least_recently(self):
        keys = Keys(208, 210)
        self.assertTrue(keys.hold("äö"))
        self.assertEqual([keys.code_of(each) for each in "äö"], [208, 209])
        self.assertFalse(keys.hold("ä"))
        self.assertTrue(keys.hold("日本"))
        self.assertEqual([keys.code_of(each) for each in "ä本日"], [208, 209, 210])

    def test_never_takes_a_key_of_what_is_to_be_typed_at_the_same_time(self):
        keys = Keys(208, 210)
        keys.hold("äöü")
        keys.hold("ß日ä")
        self.assertEqual(sorted(keys.code_of(each) for each in "ß日ä"), [208, 209, 210])

    def test_gives_keys_the_same_meaning_with_and_without_shift(self):
        keys = Keys(208, 210)
        keys.hold("ß😀")
        self.assertEqual(keys.to_keysyms(), [(0xDF, 0xDF), (0x0101F600, 0x0101F600), (0xFFFFFF, 0xFFFFFF)])
        self.assertEqual(to_keysym("日"), 0x010065E5)

    def test_splits_text_where_it_has_too_many_characters_for_the_keys(self):
        self.assertEqual(list(split_text("aabbccaad", 2)), ["aabb", "ccaa", "d"])
        self.assertEqual(list(split_text("", 2)), [])

    def test_leaves_out_what_no_key_can_mean(self):
        self.assertEqual(list(split_text("a\x00\x1b\x7f\ud83d\u200db", 9)), ["a\u200db"])


if __name__ == "__main__":
    unittest.main()
