/**
 * One stream for all tabs that show the same thing, because a browser allows six connections a host. The tab that holds
 * the lock has the stream and tells the others; when it goes, the next in line resumes behind the last event it saw.
 *
 * @import { Connected, Gap, ProblemDetails, State, Subscription, Handlers, Start, TelemetryEvent } from "../client.js"
 *
 * @typedef {{ state: State, problem: ProblemDetails | null }} Link
 *
 * @typedef {object} Message
 * @property {TelemetryEvent[]} [events]
 * @property {Connected} [connected]
 * @property {Gap} [gap]
 * @property {Link} [link]
 * @property {true} [hello] From a tab that has just come.
 *
 * @typedef {(handlers: Handlers, start: Start) => Subscription} Open
 */

/** Events go to the other tabs in batches, since each message costs them a wake-up. */
const POST_MS = 50;
const REPLAY = 50;

export class SharedStream {
  #name;
  #open;
  #deliver;
  #abort = new AbortController();
  /** @type {BroadcastChannel | null} */ #channel = null;
  /** @type {Subscription | null} */ #subscription = null;
  #position = "";
  /** @type {Message} */ #known = {};
  #company = false;
  /** @type {TelemetryEvent[]} */ #outgoing = [];
  #posted = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {string} name @param {Open} open @param {(message: Message) => void} deliver */
  constructor(name, open, deliver) {
    this.#name = name;
    this.#open = open;
    this.#deliver = deliver;
  }

  start() {
    // Locks need a secure context; on plain http each tab has a stream of its own.
    if (!navigator.locks) return this.#lead();
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = (message) => this.#hear(message.data);
    this.#channel.postMessage({ hello: true });
    const held = () => {
      this.#lead();
      return new Promise((resolve) => this.#abort.signal.addEventListener("abort", resolve));
    };
    navigator.locks.request(this.#name, { signal: this.#abort.signal }, held).catch(() => {});
  }

  close() {
    clearTimeout(this.#timer);
    this.#subscription?.close();
    this.#channel?.close();
    this.#abort.abort();
  }

  #lead() {
    const handlers = {
      event: (/** @type {TelemetryEvent} */ event) => this.#event(event),
      connected: (/** @type {Connected} */ connected) => this.#tell({ connected }),
      gap: (/** @type {Gap} */ gap) => this.#tell({ gap }),
      state: (/** @type {State} */ state, /** @type {ProblemDetails | null} */ problem) =>
        this.#tell({ link: { state, problem } }),
    };
    this.#subscription = this.#open(handlers, { after: this.#position, replay: REPLAY });
  }

  /** From another tab. @param {Message} message */
  #hear(message) {
    if (!message.hello) return this.#take(message);
    this.#company = true;
    if (this.#subscription) this.#channel?.postMessage(this.#known);
  }

  /** From the stream. @param {Message} message */
  #tell(message) {
    if (message.link) this.#known.link = message.link;
    if (message.connected) this.#known.connected = message.connected;
    if (this.#company) {
      this.#post();
      this.#channel?.postMessage(message);
    }
    this.#take(message);
  }

  /** @param {TelemetryEvent} event */
  #event(event) {
    this.#take({ events: [event] });
    if (!this.#company) return;
    this.#outgoing.push(event);
    const due = POST_MS - (performance.now() - this.#posted);
    // Timers of a hidden tab come late, and the others wait for this one.
    if (due <= 0 || document.hidden) this.#post();
    else this.#timer ??= setTimeout(() => this.#post(), due);
  }

  #post() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#posted = performance.now();
    if (this.#outgoing.length > 0) this.#channel?.postMessage({ events: this.#outgoing });
    this.#outgoing = [];
  }

  /** @param {Message} message */
  #take(message) {
    const last = message.events?.at(-1)?.sequence ?? message.connected?.cursor;
    if (last) this.#position = last;
    this.#deliver(message);
  }
}
