import { signal } from "../vendor/toolkit.js";

/**
 * Where the reader is: `#/live?q=status>=500&range=1h`. It lives behind the hash so that the page works under any
 * mount, filters stay out of access logs, and every state of the page is a link.
 *
 * @typedef {{ view: string, params: Record<string, string> }} Place
 */

/** @param {string} hash @returns {Place} */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { view: path || "live", params: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} view @param {Record<string, string>} [params] */
export function link(view, params = {}) {
  const kept = Object.entries(params).filter(([, value]) => value !== "");
  const query = new URLSearchParams(kept).toString().replace(/%(?:3A|2F|2A|7B|7D)/g, decodeURIComponent);
  return `#/${view}${query ? `?${query}` : ""}`;
}

export class Route {
  /** @type {Record<string, Record<string, string>>} */
  #visited = {};

  constructor() {
    /** @type {import("../vendor/toolkit.js").Signal<Place>} */
    this.place = signal(this.#read());
  }

  start() {
    const read = () => {
      this.place.value = this.#read();
    };
    addEventListener("hashchange", read);
    addEventListener("popstate", read);
  }

  /** A link to a view as it was left. @param {string} view */
  href(view) {
    const { event: _, ...params } = this.#visited[view] ?? {};
    return link(view, params);
  }

  /** Changes some parameters of this view; an empty one goes. @param {Record<string, string>} changes */
  push(changes) {
    this.#go("pushState", null, changes);
  }

  /** Opens something that `leave` closes again. @param {Record<string, string>} changes */
  enter(changes) {
    this.#go("pushState", { entered: true }, changes);
  }

  /** Changes parameters without a step for Back. @param {Record<string, string>} changes */
  replace(changes) {
    this.#go("replaceState", history.state, changes);
  }

  /** Goes back over `enter`; on a page that was opened by such a link the parameter just goes. @param {string} name */
  leave(name) {
    if (history.state?.entered) history.back();
    else this.replace({ [name]: "" });
  }

  /** @param {"pushState" | "replaceState"} how @param {unknown} state @param {Record<string, string>} changes */
  #go(how, state, changes) {
    const { view, params } = this.place.peek();
    const hash = link(view, { ...params, ...changes });
    try {
      history[how](state, "", hash);
    } catch {
      // Some browsers allow only so many steps a second, as when an arrow key is held; the page follows all the same.
    }
    this.place.value = this.#read(hash);
  }

  #read(hash = location.hash) {
    const place = parse(hash);
    this.#visited[place.view] = place.params;
    return place;
  }
}
