const RATE = 44100;
const FRAME_BYTES = 4;
/** Played this much later than it came, so that a late packet makes no gap; what is later than the longest is left out. */
const LEAD_SECONDS = 0.08;
const LONGEST_LEAD_SECONDS = 0.4;

/** The desktop's sound: signed 16 bit stereo from a WebSocket, played as it comes. */
export class Sound {
  #url;
  #onChange;
  #context;
  #socket;
  #playAt = 0;
  #rest = new Uint8Array(0);

  constructor(url, onChange) {
    this.#url = url;
    this.#onChange = onChange;
  }

  toggle() {
    if (this.#socket) this.#socket.close();
    else this.#open();
  }

  #open() {
    this.#context = new AudioContext({ sampleRate: RATE });
    this.#playAt = 0;
    this.#rest = new Uint8Array(0);
    this.#socket = new WebSocket(this.#url());
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('message', ({ data }) => this.#play(this.#wholeFrames(new Uint8Array(data))));
    this.#socket.addEventListener('close', () => {
      this.#socket = undefined;
      this.#context.close();
      this.#onChange(false);
    });
    this.#onChange(true);
  }

  /** A message may end in the middle of a frame. */
  #wholeFrames(data) {
    const all = new Uint8Array(this.#rest.length + data.length);
    all.set(this.#rest);
    all.set(data, this.#rest.length);
    const whole = all.length - (all.length % FRAME_BYTES);
    this.#rest = all.slice(whole);
    return new Int16Array(all.buffer, 0, whole / 2);
  }

  #play(samples) {
    if (samples.length === 0) return;
    const { currentTime, destination } = this.#context;
    if (this.#playAt < currentTime) this.#playAt = currentTime + LEAD_SECONDS;
    if (this.#playAt > currentTime + LONGEST_LEAD_SECONDS) return;
    const buffer = this.#context.createBuffer(2, samples.length / 2, RATE);
    for (const channel of [0, 1]) {
      const out = buffer.getChannelData(channel);
      for (let at = 0; at < out.length; at += 1) out[at] = samples[2 * at + channel] / 32768;
    }
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(destination);
    source.start(this.#playAt);
    this.#playAt += buffer.duration;
  }
}
