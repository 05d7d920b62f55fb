/**
 * How jobs are, as it changes: over the live stream, and by asking now and then while there is none.
 *
 * @import { ProblemDetails } from "./http.js"
 *
 * @typedef {{ done: number, total: number | null, percent: number | null, note: string | null,
 *   custom: Record<string, unknown> | null }} Progress
 *
 * @typedef {"queued" | "processing" | "retrying" | "completed" | "failed" | "cancelled" | "expired"} JobStatus
 *
 * @typedef {object} Job
 * @property {string} job_id
 * @property {string} queue
 * @property {string} kind
 * @property {JobStatus} status
 * @property {number} attempt
 * @property {boolean} cancelling
 * @property {Progress | null} progress
 * @property {{ type: string, message: string } | null} error
 *
 * `completed` and `failed` come last, and once; a cancelled job has failed. `failed` has no job but a problem where the
 * kit does not tell of it: there is none, or you may not see it.
 * @typedef {object} JobHandlers
 * @property {(job: Job) => void} [progress]
 * @property {(data: Record<string, unknown>, job: Job) => void} [custom] What the job's handler tells of its own.
 * @property {(job: Job) => void} [completed]
 * @property {(why: string, job: Job | null, problem: ProblemDetails | null) => void} [failed]
 *
 * @typedef {{ close(): void }} Closable
 * @typedef {{ job(job: Job): void, jobsLost(): void, state(state: string): void }} StreamOfJobs
 */
import { ask, Problem } from "./http.js";

const POLL_MS = 2_000;
/** Asking again would not help. */
const FINAL = [401, 403, 404, 422];
const LIVE = ["queued", "processing", "retrying"];

/** One job and who wants to know of it, until it is over or `close()`. */
class JobWatch {
  /** Counts what was told, so that an answer can be known to be late. */
  told = 0;
  #last = "";
  #custom = "";
  #handlers;

  /** @param {string} id @param {JobHandlers} handlers @param {(watch: JobWatch) => void} leave */
  constructor(id, handlers, leave) {
    this.id = id;
    this.#handlers = handlers;
    this.close = () => leave(this);
  }

  /** @param {Job} job */
  tell(job) {
    this.told += 1;
    const state = JSON.stringify([job.status, job.attempt, job.cancelling, job.progress]);
    if (state === this.#last) return;
    this.#last = state;
    if (!LIVE.includes(job.status)) this.close();
    this.#tellCustom(job);
    if (LIVE.includes(job.status)) this.#handlers.progress?.(job);
    else if (job.status === "completed" || job.status === "expired") this.#handlers.completed?.(job);
    else this.#handlers.failed?.(job.error?.message ?? "It was cancelled.", job, null);
  }

  /** @param {Problem} problem */
  giveUp(problem) {
    this.close();
    this.#handlers.failed?.(problem.message, null, problem.details);
  }

  /** @param {Job} job */
  #tellCustom(job) {
    const custom = job.progress?.custom ?? null;
    const text = JSON.stringify(custom);
    if (custom !== null && text !== this.#custom) this.#handlers.custom?.(custom, job);
    this.#custom = text;
  }
}

/** All jobs that a page watches share one stream, which is open while it watches any. */
export class Jobs {
  #base;
  #subscribe;
  /** @type {Set<JobWatch>} */ #watches = new Set();
  /** @type {Closable | null} */ #stream = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #live = false;

  /** @param {URL} base @param {(handlers: StreamOfJobs) => Closable} subscribe */
  constructor(base, subscribe) {
    this.#base = base;
    this.#subscribe = subscribe;
  }

  /** @param {string} id @param {JobHandlers} handlers @returns {Closable} */
  watch(id, handlers) {
    const watch = new JobWatch(id, handlers, (left) => this.#leave(left));
    this.#watches.add(watch);
    this.#stream ??= this.#open();
    this.#ask(watch);
    return watch;
  }

  #open() {
    this.#again();
    return this.#subscribe({
      job: (job) => this.#tell(job),
      jobsLost: () => this.#askAll(),
      state: (state) => this.#turn(state === "live"),
    });
  }

  /** @param {JobWatch} watch */
  #leave(watch) {
    this.#watches.delete(watch);
    if (this.#watches.size > 0) return;
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = null;
    this.#live = false;
  }

  /** @param {boolean} live Whether the stream tells of every change from now on. */
  #turn(live) {
    if (live === this.#live) return;
    this.#live = live;
    if (live) this.#askAll();
    this.#again();
  }

  #again() {
    clearTimeout(this.#timer);
    if (this.#live) return;
    this.#timer = setTimeout(async () => {
      try {
        await this.#askAll();
      } finally {
        // Also where a handler of the page has raised: the other jobs are still to be told of.
        if (this.#watches.size > 0) this.#again();
      }
    }, POLL_MS);
  }

  /** @param {Job} job */
  #tell(job) {
    for (const watch of [...this.#watches]) if (watch.id === job.job_id) watch.tell(job);
  }

  #askAll() {
    return Promise.all([...this.#watches].map((watch) => this.#ask(watch)));
  }

  /** @param {JobWatch} watch */
  async #ask(watch) {
    const told = watch.told;
    const url = new URL(`api/v1/jobs/${encodeURIComponent(watch.id)}`, this.#base);
    /** @type {Job | Problem} */
    const answer = await ask(url).catch((problem) => problem);
    if (!this.#watches.has(watch) || watch.told !== told) return;
    if (!(answer instanceof Problem)) watch.tell(answer);
    else if (FINAL.includes(answer.details.status)) watch.giveUp(answer);
  }
}
