import { forgetLocalBuild, reportLocalBuild, type LocalBuild } from '../../../src/engine/local-builds.ts';

const BEAT_MS = 1_000;

/** Reports to the gateways of this project, every second until it is closed, how far a build is. */
export class BuildReport {
  readonly #imageRef: string;
  readonly #timer: NodeJS.Timeout;
  state: LocalBuild;

  constructor(imageRef: string, secondsLeft: number) {
    this.#imageRef = imageRef;
    this.state = { percent: 0, secondsLeft };
    const beat = () => reportLocalBuild(imageRef, this.state);
    this.#timer = setInterval(beat, BEAT_MS).unref();
    beat();
  }

  close(): void {
    clearInterval(this.#timer);
    forgetLocalBuild(this.#imageRef);
  }
}
