"""What the desktop sounds like, in frames for a browser: none while it is silent."""

import asyncio
import ctypes
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

RATE, CHANNELS = 48000, 2
# 20 ms, the usual length of an Opus packet.
SAMPLES = 960
FRAME_BYTES = SAMPLES * CHANNELS * 2
SILENCE = bytes(FRAME_BYTES)
# What a tone leaves behind in the encoder is still sent.
SILENT_FRAMES = 10

FORMAT = ("--format=s16le", f"--rate={RATE}", f"--channels={CHANNELS}")
PAREC = ("parec", *FORMAT, "--latency-msec=40", "-d", "desk.monitor")

APPLICATION_AUDIO = 2049
MOST_PACKET_BYTES = 4000


async def start_recorder() -> asyncio.subprocess.Process:
    """Raises FileNotFoundError where there is no sound."""
    return await asyncio.create_subprocess_exec(*PAREC, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


async def read_frames(recording: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Frames of signed 16 bit samples, little-endian, left and right, until the recording ends."""
    silent = SILENT_FRAMES
    try:
        while True:
            frame = await recording.readexactly(FRAME_BYTES)
            silent = silent + 1 if frame == SILENCE else 0
            if silent <= SILENT_FRAMES:
                yield frame
    except asyncio.IncompleteReadError:
        return


@contextmanager
def open_encoder() -> Iterator[Callable[[bytes], bytes]]:
    """Encodes one frame after the other as Opus, in a tenth of their size."""
    opus = ctypes.CDLL("libopus.so.0")
    opus.opus_encoder_create.restype = ctypes.c_void_p
    error = ctypes.c_int()
    encoder = ctypes.c_void_p(opus.opus_encoder_create(RATE, CHANNELS, APPLICATION_AUDIO, ctypes.byref(error)))
    if error.value != 0:
        raise OSError(f"libopus gives no encoder: error {error.value}")
    packet = ctypes.create_string_buffer(MOST_PACKET_BYTES)

    def encode(frame: bytes) -> bytes:
        size = opus.opus_encode(encoder, frame, SAMPLES, packet, MOST_PACKET_BYTES)
        return packet.raw[: max(size, 0)]

    try:
        yield encode
    finally:
        opus.opus_encoder_destroy(encoder)
