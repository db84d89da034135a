import base64
import os
import stat
import tempfile
import unittest

from desktop_server.sign_in import LIFETIME_SECONDS, SignIn, keep_key

KEY = b"k" * 32


def sign_in(password="secret", key=KEY, now=1000.0):
    return SignIn(key, "abc", password, lambda: now)


def cookie_of(maker):
    return f"{maker.cookie_name}={maker.make_token()}"


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


class Cookies(unittest.TestCase):
    def test_lets_in_who_was_signed_in_also_beside_other_cookies(self):
        self.assertTrue(sign_in().has_cookie(f"a=b; {cookie_of(sign_in())}; c=d"))

    def test_ends_after_its_life(self):
        cookie = cookie_of(sign_in())
        self.assertTrue(sign_in(now=1000.0 + LIFETIME_SECONDS - 1).has_cookie(cookie))
        self.assertFalse(sign_in(now=1000.0 + LIFETIME_SECONDS).has_cookie(cookie))

    def test_is_worth_nothing_after_another_password_or_in_another_home(self):
        self.assertFalse(sign_in(password="other").has_cookie(cookie_of(sign_in())))
        self.assertFalse(sign_in(key=b"x" * 32).has_cookie(cookie_of(sign_in())))

    def test_cannot_be_prolonged_or_made_up(self):
        name, token = sign_in().cookie_name, sign_in().make_token()
        signature = token.partition(".")[2]
        prolonged = (f"9{token}", f"99999999999.{signature}", f"²³.{signature}", token[:-1], f"{token}0")
        for forged in (*prolonged, "", ".", "1", "x.y", "\udcff.\udcff"):
            self.assertFalse(sign_in().has_cookie(f"{name}={forged}"), forged)


class Basic(unittest.TestCase):
    def test_takes_name_and_password_with_colons_and_accents(self):
        self.assertTrue(sign_in("a:b:é").is_basic(basic("abc:a:b:é")))

    def test_refuses_what_is_not_both(self):
        wrong = [basic(text) for text in ("abc:secre", "abc:secret1", "root:secret", "abc")]
        for header in (*wrong, "Basic !!!", "Basic", "Bearer x", ""):
            self.assertFalse(sign_in().is_basic(header), header)


class KeepKey(unittest.TestCase):
    def test_makes_one_that_only_its_owner_reads_and_finds_it_again(self):
        with tempfile.TemporaryDirectory() as home:
            file = f"{home}/state/deep/cookie.key"
            key = keep_key(file)
            self.assertEqual(len(key), 32)
            self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
            self.assertEqual(keep_key(file), key)

    def test_replaces_one_that_was_cut_off(self):
        with tempfile.TemporaryDirectory() as home:
            file = f"{home}/cookie.key"
            with open(file, "wb") as cut:
                cut.write(b"short")
            self.assertEqual(len(keep_key(file)), 32)


if __name__ == "__main__":
    unittest.main()
