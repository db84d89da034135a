import pathlib
import tempfile
import unittest

from desktop_server.pages import load_pages


class Pages(unittest.TestCase):
    def test_come_with_title_modules_and_a_policy_of_their_own_scripts(self):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            (home / "novnc").mkdir()
            (home / "novnc/a.js").write_text("1")
            (home / "index.html").write_text("<title>{{TITLE}}</title><!--PRELOAD--><script>go()</script>")
            (home / "login.html").write_text("<p>")
            pages = load_pages(folder, folder, "A <b>")
        self.assertEqual(sorted(pages), ["index", "login", "viewer"])
        self.assertIn('<title>A &lt;b&gt;</title><link rel="modulepreload" href="novnc/a.js">', pages["index"].text)
        self.assertRegex(pages["index"].policy, r"script-src 'self' 'sha256-[A-Za-z0-9+/]{43}='$")
        self.assertTrue(pages["login"].policy.endswith("script-src 'self'"))


if __name__ == "__main__":
    unittest.main()
