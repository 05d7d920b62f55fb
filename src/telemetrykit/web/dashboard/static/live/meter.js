const KEPT_S = 61;
const RATE_S = 5;

/** Counts events by the second for the last minute. */
export class Meter {
  #counts = new Array(KEPT_S).fill(0);
  #second;
  #first;

  /** @param {number} now ms; what happened before is not known */
  constructor(now) {
    this.#first = this.#second = Math.floor(now / 1000);
  }

  /** @param {number} count @param {number} now ms */
  add(count, now) {
    this.#turn(now);
    this.#counts[this.#second % KEPT_S] += count;
  }

  /**
   * Events in each of the last 60 seconds, as far as they are known, oldest first; the running second is left out,
   * because it is not over.
   *
   * @param {number} now ms
   */
  seconds(now) {
    this.#turn(now);
    const start = (this.#second + 1) % KEPT_S;
    const known = Math.min(this.#second - this.#first, KEPT_S - 1);
    const minute = [...this.#counts.slice(start), ...this.#counts.slice(0, start)].slice(0, -1);
    return minute.slice(minute.length - known);
  }

  /** Events per second over the last five. @param {number} now ms */
  rate(now) {
    const last = this.seconds(now).slice(-RATE_S);
    return last.reduce((sum, count) => sum + count, 0) / Math.max(last.length, 1);
  }

  /** @param {number} now ms */
  #turn(now) {
    const second = Math.max(Math.floor(now / 1000), this.#second);
    const passed = Math.min(second - this.#second, KEPT_S);
    for (let i = 1; i <= passed; i += 1) this.#counts[(this.#second + i) % KEPT_S] = 0;
    this.#second = second;
  }
}
