import { createOpusDecoder, hasOpus } from './opus.js';

const RATE = 48000;
/**
 * Played this much later than it came, so that a late packet makes no gap; what is later than the longest is left out.
 */
const LEAD_SECONDS = 0.08;
const LONGEST_LEAD_SECONDS = 0.4;

/** The desktop's sound: frames from a WebSocket, played as they come. While it is silent none come. */
export class Sound {
  #onChange;
  /** @type {WebSocket | undefined} */
  #socket;
  #playAt = 0;
  #isOn = false;

  /** @param {(isOn: boolean) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** Called in an event of the user's, which browsers require. */
  toggle() {
    this.#isOn = !this.#isOn;
    this.#onChange(this.#isOn);
    if (this.#isOn) void this.#open(new AudioContext({ sampleRate: RATE }));
    else this.#socket?.close();
  }

  /** @param {AudioContext} context */
  async #open(context) {
    this.#playAt = 0;
    const isOpus = await hasOpus();
    const url = new URL(isOpus ? 'audio?codec=opus' : 'audio', location.href).href.replace(/^http/, 'ws');
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    /** @param {Float32Array<ArrayBuffer>[]} channels */
    const play = (channels) => this.#play(context, channels);
    const decoder = isOpus ? createOpusDecoder(play) : { decode: (/** @type {ArrayBuffer} */ data) => play(split(data)), close: () => {} };
    socket.addEventListener('message', ({ data }) => decoder.decode(data));
    socket.addEventListener('close', () => {
      decoder.close();
      void context.close();
      this.#socket = undefined;
      if (this.#isOn) this.toggle();
    });
  }

  /**
   * @param {AudioContext} context
   * @param {readonly Float32Array<ArrayBuffer>[]} channels
   */
  #play(context, channels) {
    const { currentTime, destination } = context;
    if (this.#playAt < currentTime) this.#playAt = currentTime + LEAD_SECONDS;
    if (this.#playAt > currentTime + LONGEST_LEAD_SECONDS) return;
    const buffer = context.createBuffer(channels.length, channels[0]?.length ?? 0, RATE);
    channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(destination);
    source.start(this.#playAt);
    this.#playAt += buffer.duration;
  }
}

/**
 * The channels of a frame of signed 16 bit samples, left and right.
 *
 * @param {ArrayBuffer} data
 */
function split(data) {
  const samples = new Int16Array(data);
  return [0, 1].map((channel) => Float32Array.from({ length: samples.length / 2 }, (_, at) => (samples[2 * at + channel] ?? 0) / 32768));
}
