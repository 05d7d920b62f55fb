import { signal } from "../vendor/toolkit.js";

const PHONE = "(max-width: 899px)";
const ROW_PX = 32;
const PHONE_ROW_PX = 56;
const MARGIN_ROWS = 8;

/** Which rows of a long list are in sight. All have one height, so nothing needs to be measured. */
export class Window {
  #media = matchMedia(PHONE);

  constructor() {
    this.top = signal(0);
    this.height = signal(800);
    this.rowHeight = signal(this.#rowHeight());
  }

  /** Follows an element that scrolls; the answer ends it. @param {HTMLElement} element */
  follow(element) {
    const observer = new ResizeObserver(() => {
      this.height.value = element.clientHeight;
      this.rowHeight.value = this.#rowHeight();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }

  /** @param {number} count of all rows @returns {{ from: number, to: number }} */
  range(count) {
    const row = this.rowHeight.value;
    const from = Math.max(0, Math.floor(this.top.value / row) - MARGIN_ROWS);
    const to = Math.ceil((this.top.value + this.height.value) / row) + MARGIN_ROWS;
    return { from: Math.min(from, count), to: Math.min(to, count) };
  }

  /**
   * Where to scroll so that a row is in sight below a head of `head` pixels.
   *
   * @param {number} index
   * @param {number} head
   */
  reveal(index, head) {
    const row = this.rowHeight.peek();
    const [start, end] = [index * row, (index + 1) * row + head];
    if (start < this.top.peek()) return start;
    return end > this.top.peek() + this.height.peek() ? end - this.height.peek() : this.top.peek();
  }

  #rowHeight() {
    return this.#media.matches ? PHONE_ROW_PX : ROW_PX;
  }
}
