import unittest

from desktop_server.settings import read_settings


class Settings(unittest.TestCase):
    def test_have_defaults(self):
        settings = read_settings({})
        self.assertEqual((settings.port, settings.prefix, settings.user, settings.no_auth), (3000, "/", "abc", False))

    def test_that_make_no_sense_are_named(self):
        wrong = {"CUSTOM_PORT": ("x", "0", "65536"), "FPS": ("-1", "²"), "SUBFOLDER": ("/{vm}/", "a b", "a;b", "é")}
        for name, texts in wrong.items():
            for text in texts:
                with self.assertRaisesRegex(ValueError, name):
                    read_settings({name: text})

    def test_put_slashes_around_a_subfolder(self):
        for written in ("vm", "/vm", "vm/", "/vm/"):
            self.assertEqual(read_settings({"SUBFOLDER": written}).prefix, "/vm/")


if __name__ == "__main__":
    unittest.main()
