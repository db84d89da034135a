const LAST_LINES = 25;

/** One line of the engine's answer, as far as it is read. */
export interface EngineLine {
  readonly stream?: string;
  readonly error?: string;
  readonly aux?: { readonly ID?: string };
}

/**
 * Reads the engine's and apt's words during a build and says how far it is. `seconds` weigh the steps that take long,
 * which are those that install something, in their order; every other step counts as nothing.
 */
export class BuildProgress {
  readonly #seconds: readonly number[];
  #slow = -1;
  #isSlow = false;
  #done = 0;
  #packages = 0;
  #handled = 0;
  #lines: readonly string[] = [];
  step = 0;
  steps = 0;

  constructor(seconds: readonly number[]) {
    this.#seconds = seconds;
  }

  /** Takes in one value of the engine's stream. */
  add({ stream = '' }: EngineLine): void {
    for (const line of stream.split('\n')) if (line.trim() !== '') this.#addLine(line);
  }

  /** 0 to 99: 100 is for who has seen that the image is there. */
  get percent(): number {
    const total = sum(this.#seconds);
    return total === 0 ? 0 : Math.min(99, Math.floor((100 * this.secondsDone) / total));
  }

  /** How long what is done, and the rest, took where the seconds were measured. */
  get secondsDone(): number {
    return this.#done + this.#shareOfStep();
  }

  get secondsLeft(): number {
    return Math.max(0, Math.round(sum(this.#seconds) - this.secondsDone));
  }

  /** What is being done, for a person. */
  get doing(): string {
    const packages =
      this.#isSlow && this.#packages > 0 ? `, ${Math.floor(this.#handled / 3)} of ${this.#packages} packages` : '';
    return `step ${this.step} of ${this.steps}${packages}`;
  }

  /** The last lines, for when it fails. */
  get tail(): string {
    return this.#lines.join('\n');
  }

  #addLine(line: string): void {
    this.#lines = [...this.#lines.slice(1 - LAST_LINES), line];
    const step = /^Step (\d+)\/(\d+) : (.*)/.exec(line);
    if (step) this.#begin(Number(step[1]), Number(step[2]), step[3] ?? '');
    const newly = /(\d+) newly installed/.exec(line);
    if (newly) this.#packages = Number(newly[1]);
    // Each package is fetched, unpacked and set up, each with a line of its own.
    if (/^(Get:\d+ .* \[[\d.,]+ .?B\]|Unpacking |Setting up )/.test(line) && this.#packages > 0) this.#handled += 1;
  }

  #begin(step: number, steps: number, instruction: string): void {
    if (this.#isSlow) this.#done += this.#seconds[this.#slow] ?? 0;
    this.step = step;
    this.steps = steps;
    this.#isSlow = /^RUN .*(apt-get install|npm )/.test(instruction);
    if (this.#isSlow) this.#slow += 1;
    this.#packages = 0;
    this.#handled = 0;
  }

  #shareOfStep(): number {
    if (!this.#isSlow || this.#packages === 0) return 0;
    return (this.#seconds[this.#slow] ?? 0) * Math.min(1, this.#handled / (3 * this.#packages));
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
