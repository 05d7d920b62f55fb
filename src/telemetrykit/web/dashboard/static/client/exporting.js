/**
 * A button that has a file made, tells how far it is, and downloads it.
 *
 * Beside the button comes what it is doing: an `<output>`, which is read out when it changes, and how many percent are
 * done, which is not. While it is at work the button has `aria-busy` and `aria-disabled`, and keeps the focus. Pages
 * style it by `data-state` of the button: `queued`, `processing`, `completed` or `failed`.
 *
 * @import { Closable, Job, JobHandlers } from "./jobs.js"
 *
 * @typedef {object} ExportRequest The body of `POST api/v1/exports`.
 * @property {string} format `csv`, `json`, `jsonl`, `xlsx`, `pdf`, `docx`, or a plugin's.
 * @property {string} [source]
 * @property {"none" | "gzip"} [compression]
 * @property {Record<string, unknown>} [filter]
 * @property {string} [start_time]
 * @property {string} [end_time]
 * @property {string[]} [fields]
 * @property {number} [limit]
 * @property {string} [title]
 *
 * @typedef {ExportRequest | (() => ExportRequest)} RequestOrMaker A function is called at each press.
 * @typedef {(id: string, handlers: JobHandlers) => Closable} OnJob
 * @typedef {"queued" | "processing" | "completed" | "failed"} ButtonState
 */
import { ask } from "./http.js";

/** @type {Record<ButtonState, string>} */
const WORDS = { queued: "Queued", processing: "Processing", completed: "Completed", failed: "Failed" };

export class ExportButton {
  #base;
  #onJob;
  #element;
  #request;
  #place = document.createElement("span");
  #words = document.createElement("output");
  #percent = document.createElement("span");
  /** @type {Closable | null} */ #watch = null;
  #closed = false;
  #press = () => this.#start();

  /** @param {URL} base @param {OnJob} onJob @param {HTMLButtonElement} element @param {RequestOrMaker} request */
  constructor(base, onJob, element, request) {
    if (!(element instanceof HTMLButtonElement)) throw new TypeError("exportButton() takes a <button> element.");
    this.#base = base;
    this.#onJob = onJob;
    this.#element = element;
    this.#request = request;
    this.#place.append(this.#words, this.#percent);
    element.after(this.#place);
    element.addEventListener("click", this.#press);
  }

  /** Makes it an ordinary button again; a file that is being made is made. */
  close() {
    this.#closed = true;
    this.#watch?.close();
    this.#element.removeEventListener("click", this.#press);
    this.#place.remove();
    this.#setBusy(false);
    delete this.#element.dataset.state;
  }

  async #start() {
    if (this.#element.ariaBusy === "true") return;
    this.#setBusy(true);
    this.#show("queued");
    try {
      const request = typeof this.#request === "function" ? this.#request() : this.#request;
      const { job_id: id } = await ask(new URL("api/v1/exports", this.#base), request);
      if (this.#closed) return;
      this.#watch = this.#onJob(id, {
        progress: (job) => this.#proceed(job),
        completed: () => this.#finish(id),
        failed: (why) => this.#fail(why),
      });
    } catch (error) {
      this.#fail(/** @type {Error} */ (error).message);
    }
  }

  /** @param {Job} job */
  #proceed(job) {
    const percent = job.progress?.percent;
    if (job.status === "processing") this.#show("processing", percent == null ? "" : ` ${Math.floor(percent)} %`);
    else this.#show("queued");
  }

  /** @param {string} id */
  async #finish(id) {
    try {
      const made = await ask(new URL(`api/v1/exports/${encodeURIComponent(id)}`, this.#base));
      if (this.#closed) return;
      if (!made.can_download) throw new Error("The file is made, but you may not download it.");
      this.#download(made.download_url);
      this.#setBusy(false);
      this.#show("completed");
    } catch (error) {
      this.#fail(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} path */
  #download(path) {
    const link = document.createElement("a");
    link.href = new URL(path, this.#base).href;
    link.download = "";
    link.click();
  }

  /** @param {string} why */
  #fail(why) {
    if (this.#closed) return;
    this.#setBusy(false);
    this.#show("failed", "", `: ${why}`);
  }

  /** @param {ButtonState} state @param {string} [percent] @param {string} [why] */
  #show(state, percent = "", why = "") {
    const words = WORDS[state] + why;
    this.#element.dataset.state = state;
    // Setting the same text again would have it read out again.
    if (this.#words.textContent !== words) this.#words.textContent = words;
    this.#percent.textContent = percent;
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#element.ariaBusy = this.#element.ariaDisabled = busy ? "true" : null;
  }
}
