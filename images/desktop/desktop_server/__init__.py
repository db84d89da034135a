"""The one process that a browser desktop needs beside X and its session, on Debian's python3-aiohttp.

It serves the page, asks for the password, carries the picture and the sound over WebSockets, and keeps X and the
session running, all as the same unprivileged user. `__main__` composes the other modules.
"""
