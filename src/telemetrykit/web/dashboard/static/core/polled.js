import { batch, signal } from "../vendor/toolkit.js";
import { Problem } from "./api.js";

/**
 * An answer that is asked for again and again while somebody looks; a failure leaves the last answer in place.
 *
 * @template T
 */
export class Polled {
  #ask;
  #every;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {() => Promise<T>} ask @param {number} every ms */
  constructor(ask, every) {
    this.#ask = ask;
    this.#every = every;
    this.data = signal(/** @type {T | null} */ (null));
    this.problem = signal(/** @type {Problem | null} */ (null));
    /** When `data` was true, ms since the epoch. */
    this.at = signal(0);
  }

  /** Starts asking; the answer stops it. */
  start() {
    this.look();
    this.#timer = setInterval(() => !document.hidden && this.look(), this.#every);
    return () => clearInterval(this.#timer);
  }

  async look() {
    try {
      const data = await this.#ask();
      batch(() => {
        this.data.value = data;
        this.at.value = Date.now();
        this.problem.value = null;
      });
    } catch (error) {
      this.problem.value = error instanceof Problem ? error : new Problem({ status: 0, title: String(error) });
    }
  }
}
