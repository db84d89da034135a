from .serving import Serving


class PictureClipboard(Serving):
    async def test_is_for_who_is_signed_in_and_works_there(self):
        cookie = await self.sign_in()
        viewer = {**cookie, "X-Swiftor-Access": "view"}
        elsewhere = {**cookie, "Origin": "http://elsewhere.test"}
        for method, headers, status in (
            ("GET", {"Accept": "*/*"}, 401),
            ("PUT", {"Accept": "*/*"}, 401),
            ("GET", viewer, 403),
            ("PUT", viewer, 403),
            ("GET", elsewhere, 403),
            ("PUT", elsewhere, 403),
        ):
            answer = await self.ask("/clipboard.png", method, headers=headers, data=b"" if method == "PUT" else None)
            self.assertEqual((answer.status, method), (status, method), headers)

    async def test_takes_pictures_only(self):
        cookie = await self.sign_in()
        answer = await self.ask("/clipboard.png", "PUT", headers=cookie, data=b"no picture")
        self.assertEqual(answer.status, 415)
