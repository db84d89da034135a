const RATE = 44100;
const FRAME_BYTES = 4;
/**
 * Played this much later than it came, so that a late packet makes no gap; what is later than the longest is left out.
 */
const LEAD_SECONDS = 0.08;
const LONGEST_LEAD_SECONDS = 0.4;

/** The desktop's sound: signed 16 bit stereo from a WebSocket, played as it comes. */
export class Sound {
  #url;
  #onChange;
  /** @type {WebSocket | undefined} */
  #socket;
  #playAt = 0;
  #rest = new Uint8Array(0);

  /**
   * @param {() => string} url
   * @param {(isOn: boolean) => void} onChange
   */
  constructor(url, onChange) {
    this.#url = url;
    this.#onChange = onChange;
  }

  toggle() {
    if (this.#socket) this.#socket.close();
    else this.#open();
  }

  #open() {
    const context = new AudioContext({ sampleRate: RATE });
    this.#playAt = 0;
    this.#rest = new Uint8Array(0);
    const socket = new WebSocket(this.#url());
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.#play(context, this.#wholeFrames(new Uint8Array(data))));
    socket.addEventListener('close', () => {
      this.#socket = undefined;
      void context.close();
      this.#onChange(false);
    });
    this.#onChange(true);
  }

  /**
   * A message may end in the middle of a frame.
   *
   * @param {Uint8Array} data
   */
  #wholeFrames(data) {
    const all = new Uint8Array(this.#rest.length + data.length);
    all.set(this.#rest);
    all.set(data, this.#rest.length);
    const whole = all.length - (all.length % FRAME_BYTES);
    this.#rest = all.slice(whole);
    return new Int16Array(all.buffer, 0, whole / 2);
  }

  /**
   * @param {AudioContext} context
   * @param {Int16Array} samples
   */
  #play(context, samples) {
    if (samples.length === 0) return;
    const { currentTime, destination } = context;
    if (this.#playAt < currentTime) this.#playAt = currentTime + LEAD_SECONDS;
    if (this.#playAt > currentTime + LONGEST_LEAD_SECONDS) return;
    const buffer = context.createBuffer(2, samples.length / 2, RATE);
    for (const channel of [0, 1]) {
      const out = buffer.getChannelData(channel);
      for (let at = 0; at < out.length; at += 1) out[at] = (samples[2 * at + channel] ?? 0) / 32768;
    }
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(destination);
    source.start(this.#playAt);
    this.#playAt += buffer.duration;
  }
}
