const CONFIG = { codec: 'opus', sampleRate: 48000, numberOfChannels: 2 };
const PACKET_MICROSECONDS = 20_000;

/** Whether this browser decodes Opus. On plain http none does. */
export async function hasOpus() {
  if (!('AudioDecoder' in window)) return false;
  const { supported } = await AudioDecoder.isConfigSupported(CONFIG);
  return supported === true;
}

/**
 * Decodes packets one after the other.
 *
 * @param {(channels: Float32Array<ArrayBuffer>[]) => void} onDecoded
 */
export function createOpusDecoder(onDecoded) {
  let timestamp = 0;
  const decoder = new AudioDecoder({
    output: (audio) => {
      const channels = Array.from({ length: audio.numberOfChannels }, (_, planeIndex) => {
        const samples = new Float32Array(audio.numberOfFrames);
        audio.copyTo(samples, { planeIndex, format: 'f32-planar' });
        return samples;
      });
      audio.close();
      onDecoded(channels);
    },
    error: (error) => console.error(error),
  });
  decoder.configure(CONFIG);
  return {
    /** @param {ArrayBuffer} data */
    decode(data) {
      decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp, data }));
      timestamp += PACKET_MICROSECONDS;
    },
    close: () => decoder.close(),
  };
}
