import { html, signal } from "../vendor/toolkit.js";

const SHOWN_MS = 2500;

/** A word about what the reader has just done. */
export class Toast {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  constructor() {
    this.text = signal("");
  }

  /** @param {string} text */
  say(text) {
    clearTimeout(this.#timer);
    this.text.value = text;
    this.#timer = setTimeout(() => {
      this.text.value = "";
    }, SHOWN_MS);
  }

  /** Says how something ended. @param {Promise<unknown>} action @param {string} success */
  async during(action, success) {
    try {
      await action;
      this.say(success);
    } catch (error) {
      this.say(error instanceof Error ? error.message || "That did not work" : "That did not work");
    }
  }
}

/** @param {{ toast: Toast }} props */
export function ToastLine({ toast }) {
  const text = toast.text.value;
  return html`<div class=${`toast${text ? " on" : ""}`} role="status">${text}</div>`;
}
