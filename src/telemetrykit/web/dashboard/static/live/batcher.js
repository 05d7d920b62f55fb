/** Shown at most ten times a second: a table that changes faster cannot be read, and costs. */
const BEAT_MS = 100;

/**
 * Gathers what arrives and hands it over with the next frame, at most once a beat. In a tab that nobody sees no frame
 * comes; then only the newest `keep` are held, while every one is counted.
 *
 * @template T
 */
export class Batcher {
  /** @type {T[]} */ #items = [];
  #count = 0;
  #last = 0;
  #waiting = false;
  #deliver;
  #keep;

  /** @param {(items: T[], count: number) => void} deliver @param {number} keep */
  constructor(deliver, keep) {
    this.#deliver = deliver;
    this.#keep = keep;
  }

  /** @param {T[]} items */
  add(items) {
    this.#count += items.length;
    this.#items.push(...items);
    if (this.#items.length > 2 * this.#keep) this.#items = this.#items.slice(-this.#keep);
    if (!this.#waiting) this.#wait();
  }

  /** Forgets what has not been handed over. */
  clear() {
    this.#items = [];
    this.#count = 0;
  }

  #wait() {
    this.#waiting = true;
    const rest = BEAT_MS - (performance.now() - this.#last);
    const frame = () => requestAnimationFrame(() => this.#flush());
    if (rest > 0) setTimeout(frame, rest);
    else frame();
  }

  #flush() {
    this.#waiting = false;
    this.#last = performance.now();
    const [items, count] = [this.#items.slice(-this.#keep), this.#count];
    this.clear();
    if (count > 0) this.#deliver(items, count);
  }
}
