import { signal } from "../vendor/toolkit.js";
import { memory } from "./memory.js";

/**
 * @import { Api } from "./api.js"
 * @import { Signal } from "../vendor/toolkit.js"
 *
 * @typedef {{ id: string, tenant: string, roles: string[], permissions: string[], tenants: string[] }} Me
 */

/** The cookie itself cannot be seen from here, so the login page leaves a note. */
export const SIGNED_IN = "signed-in";

/** Who is looking. */
export class Session {
  #api;

  /** @param {Api} api */
  constructor(api) {
    this.#api = api;
    /** @type {Signal<Me | null>} */
    this.me = signal(null);
    this.cookie = signal(memory.get(SIGNED_IN) !== null);
  }

  async start() {
    try {
      this.me.value = { roles: [], permissions: [], tenants: [], ...(await this.#api.get("me")) };
    } catch {
      // What cannot be read says so where it is shown.
      this.me.value = null;
    }
  }

  /**
   * Whether it makes sense to offer something; the server decides, and until it has said who one is, everything is
   * offered.
   *
   * @param {string} permission
   */
  may(permission) {
    return this.me.value?.permissions.includes(permission) ?? true;
  }

  /** Ends the session and shows the login page; throws a Problem where the server would not. */
  async end() {
    await this.#api.delete("session");
    memory.set(SIGNED_IN, null);
    location.assign("login");
  }
}
