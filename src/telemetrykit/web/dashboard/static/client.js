/**
 * telemetrykit in pages of your own: an ES module without dependencies.
 *
 *     import { connect } from "/telemetry/static/client.js";
 *
 *     const telemetry = connect("/telemetry/");
 *     const orders = telemetry.subscribe({ q: "type:order.*" }, { event: (event) => console.log(event.type) });
 *     orders.close();
 *
 *     telemetry.onJob(id, { progress: (job) => show(job.progress?.percent), completed: (job) => done(job) });
 *     telemetry.exportButton(document.querySelector("button"), { source: "events", format: "csv" });
 *
 * @module
 */

/**
 * @import { RequestOrMaker } from "./client/exporting.js"
 * @import { Closable, Job, JobHandlers } from "./client/jobs.js"
 *
 * An event as it travels: CloudEvents 1.0 JSON with a few extension attributes. Fields without a value are absent.
 *
 * @typedef {object} TelemetryEvent
 * @property {string} id
 * @property {string} source
 * @property {string} type
 * @property {string} time RFC 3339
 * @property {string} sequence Place in the log, a whole number written as a string.
 * @property {Record<string, unknown>} [data]
 * @property {string} [subject]
 * @property {string} [tenantid]
 * @property {string} [severitytext]
 * @property {number} [severitynumber]
 * @property {string} [traceparent]
 * @property {string} [recordedtime] RFC 3339
 *
 * @typedef {{ cursor: string, time?: string, replayed?: number }} Connected
 * @typedef {{ requested?: string, resumed_at?: string, lost?: number | null, reason?: string }} Gap
 * @typedef {import("./client/http.js").ProblemDetails} ProblemDetails
 *
 * `unavailable`: no stream to be had here, for instance under WSGI; tried again once a minute.
 * `signed-out` and `refused` are final.
 * @typedef {"connecting" | "live" | "reconnecting" | "unavailable" | "signed-out" | "refused"} State
 *
 * @typedef {{ q?: string, types?: string[], severity?: string, tenant?: string,
 *   include?: "jobs"[] }} StreamFilter
 *
 * @typedef {object} Handlers
 * @property {(event: TelemetryEvent) => void} [event]
 * @property {(connected: Connected) => void} [connected]
 * @property {(gap: Gap) => void} [gap]
 * @property {(job: Job) => void} [job] With `include: ["jobs"]`: how a job that has changed is now.
 * @property {(lost: { lost: number }) => void} [jobsLost] So many jobs have changed besides: the page was too slow.
 * @property {(state: State, problem: ProblemDetails | null) => void} [state]
 *
 * @typedef {object} Start
 * @property {string} [after] Resume behind this event (its `sequence`); wins over `replay`.
 * @property {number} [replay] How many stored events come first, 0 to 1000.
 */

import { ExportButton } from "./client/exporting.js";
import { ask, Problem } from "./client/http.js";
import { Jobs } from "./client/jobs.js";

const FINAL = { 400: "refused", 401: "signed-out", 403: "refused", 413: "refused", 422: "refused" };
const ABSENT = [404, 405, 501, 503];
/** Heartbeats come every 30 s: two missed ones mean that the connection is dead, whatever the browser thinks. */
const SILENCE_MS = 75_000;
const RETRY_MAX_MS = 30_000;
const ABSENT_RETRY_MS = 60_000;

/** One filter's events, resumed where they stopped, until `close()`. */
export class Subscription {
  #base;
  #filter;
  #handlers;
  #replay;
  /** @type {string} */ #position;
  /** @type {EventSource | null} */ #source = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #closed = false;
  #failures = 0;
  #heard = 0;
  #streamed = false;

  /** @param {URL} base @param {StreamFilter} filter @param {Handlers} handlers @param {Start} start */
  constructor(base, filter, handlers, { after = "", replay = 0 }) {
    this.#base = base;
    this.#filter = filter;
    this.#handlers = handlers;
    this.#position = after;
    this.#replay = replay;
  }

  /** Ends the subscription; nothing is delivered afterwards. */
  close() {
    this.#closed = true;
    this.#drop();
  }

  async open() {
    this.#say(this.#failures > 0 || this.#position ? "reconnecting" : "connecting");
    const { tenant, ...filter } = this.#filter;
    const asked = ask(this.#url("api/v1/stream/tickets", { tenant }), filter);
    /** @type {{ ticket: string } | Problem} */
    const answer = await asked.catch((problem) => problem);
    if (this.#closed) return;
    if (answer instanceof Problem) this.#refused(answer.details);
    else this.#listen(answer.ticket);
  }

  /** @param {string} ticket */
  #listen(ticket) {
    const start = this.#position ? { last_event_id: this.#position } : { replay: String(this.#replay) };
    const source = new EventSource(this.#url("stream", { ticket, ...start }));
    this.#source = source;
    this.#on("connected", (data) => {
      this.#failures = 0;
      this.#streamed = true;
      this.#say("live");
      this.#handlers.connected?.(data);
    });
    this.#on("telemetry", (data) => this.#handlers.event?.(data));
    this.#on("gap", (data) => this.#handlers.gap?.(data));
    this.#on("job", (job) => this.#handlers.job?.(job));
    this.#on("jobs-lost", (lost) => this.#handlers.jobsLost?.(lost));
    this.#on("heartbeat", () => {});
    this.#on("closing", () => this.#say("reconnecting"));
    source.onerror = () => this.#broken(source);
    this.#heard = Date.now();
    this.#watch();
  }

  /** @param {string} name @param {(data: any) => void} handle */
  #on(name, handle) {
    this.#source?.addEventListener(name, (message) => {
      this.#heard = Date.now();
      if (message.lastEventId) this.#position = message.lastEventId;
      handle(message.data ? JSON.parse(message.data) : null);
    });
  }

  /** @param {EventSource} source */
  #broken(source) {
    if (source !== this.#source) return;
    if (source.readyState === EventSource.CLOSED) this.#again();
    else this.#say("reconnecting");
  }

  /** The browser has given up on this address, so the ticket is spent: ask for another. */
  #again() {
    this.#failures += 1;
    if (this.#failures > 2 && !this.#streamed) this.#retry("unavailable", ABSENT_RETRY_MS);
    else this.#retry("reconnecting", this.#backoff());
  }

  /** @param {ProblemDetails} problem */
  #refused(problem) {
    const final = /** @type {Record<number, string>} */ (FINAL)[problem.status];
    this.#failures += 1;
    if (final) this.#say(/** @type {State} */ (final), problem);
    else if (ABSENT.includes(problem.status)) this.#retry("unavailable", ABSENT_RETRY_MS, problem);
    else this.#retry("reconnecting", this.#backoff(), problem);
  }

  #backoff() {
    return Math.min(RETRY_MAX_MS, 500 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
  }

  /** @param {State} state @param {number} delay @param {ProblemDetails | null} [problem] */
  #retry(state, delay, problem = null) {
    this.#drop();
    this.#say(state, problem);
    this.#timer = setTimeout(() => this.open(), delay);
  }

  #watch() {
    this.#timer = setTimeout(() => {
      if (Date.now() - this.#heard > SILENCE_MS) this.#retry("reconnecting", 0);
      else this.#watch();
    }, SILENCE_MS / 5);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** @param {State} state @param {ProblemDetails | null} [problem] */
  #say(state, problem = null) {
    this.#handlers.state?.(state, problem);
  }

  /** @param {string} path @param {Record<string, string | undefined>} params */
  #url(path, params) {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(params)) if (value) url.searchParams.set(name, value);
    return url;
  }
}

/**
 * A client of the kit mounted at `base`, for instance "/telemetry/".
 *
 * @param {string | URL} base
 */
export function connect(base) {
  const mount = new URL(base, document.baseURI);
  if (!mount.pathname.endsWith("/")) mount.pathname += "/";
  /** @param {StreamFilter} filter @param {Handlers} handlers @param {Start} start */
  function open(filter, handlers, start = {}) {
    const subscription = new Subscription(mount, filter, handlers, start);
    subscription.open();
    return subscription;
  }

  // No stored event has this type: the stream brings jobs alone.
  const jobs = new Jobs(mount, (handlers) => open({ types: ["job.progress"], include: ["jobs"] }, handlers));
  /** @param {string} id @param {JobHandlers} handlers */
  const onJob = (id, handlers) => jobs.watch(id, handlers);
  return {
    /**
     * Events that match, as they happen.
     *
     * @param {StreamFilter} filter
     * @param {Handlers} handlers
     * @param {Start} [start]
     */
    subscribe: (filter, handlers, start = {}) => open(filter, handlers, start),

    /**
     * How a job is, now and whenever it changes, until it is over. Where there is no live stream, it is asked for.
     *
     * @param {string} id
     * @param {JobHandlers} handlers
     * @returns {Closable}
     */
    onJob,

    /**
     * Makes of a button one that has a file made, says how far it is, and downloads it.
     *
     * @param {HTMLButtonElement} element
     * @param {RequestOrMaker} request The body of `POST api/v1/exports`, or what makes one when the button is pressed.
     * @returns {Closable}
     */
    exportButton: (element, request) => new ExportButton(mount, onJob, element, request),
  };
}
