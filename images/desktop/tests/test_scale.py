import unittest

from desktop_server.scale import to_settings


class Scales(unittest.TestCase):
    def test_are_whole_for_windows_and_the_rest_for_fonts(self):
        scales = {1.0: (1, 96), 1.25: (1, 120), 1.5: (1, 144), 2.0: (2, 96), 2.5: (2, 120), 3.0: (3, 96)}
        self.assertEqual({scale: to_settings(scale) for scale in scales}, scales)
