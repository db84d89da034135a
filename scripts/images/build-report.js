import { mkdirSync, rmSync, writeFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { inProject } from '../prepare/project.js';

const FOLDER = inProject('.runtime/image-builds');
const BEAT_MS = 1_000;

/**
 * Tells a gateway of this project how far a build is, for the VMs that wait for the image: a file, written anew every second while the
 * build goes on, and gone with it. src/engine/local-builds.ts reads it.
 */
export class BuildReport {
  #file;
  #imageRef;
  #timer;
  percent = 0;
  secondsLeft = 0;

  constructor(imageRef) {
    this.#imageRef = imageRef;
    this.#file = path.join(FOLDER, `${encodeURIComponent(imageRef)}.json`);
    mkdirSync(FOLDER, { recursive: true });
    this.#timer = setInterval(() => this.#write(), BEAT_MS);
    this.#timer.unref();
    this.#write();
  }

  close() {
    clearInterval(this.#timer);
    rmSync(this.#file, { force: true });
  }

  #write() {
    const { percent, secondsLeft } = this;
    const unfinished = `${this.#file}.${process.pid}`;
    writeFileSync(unfinished, JSON.stringify({ imageRef: this.#imageRef, percent, secondsLeft, at: Date.now() }));
    renameSync(unfinished, this.#file);
  }
}
