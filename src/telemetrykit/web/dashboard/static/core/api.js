/** @import { ProblemDetails } from "../client.js" */

/** A refusal of the API (RFC 9457), or status 0 where nothing answered. */
export class Problem extends Error {
  /**
   * @param {ProblemDetails} details
   * @param {unknown} [body] The whole answer, for routes that say more than a problem.
   */
  constructor(details, body) {
    super(details.title ?? "");
    this.name = "Problem";
    this.status = details.status;
    this.details = details;
    this.body = body;
  }

  /** The reasons in words, never empty. */
  get sentences() {
    const { errors, detail, title, status } = this.details;
    if (errors?.length) return errors.map((error) => error.detail);
    return [detail || title || `The server answered ${status}.`];
  }

  /** Whether the request itself was wrong, so that asking again is useless. */
  get invalid() {
    return this.status === 400 || this.status === 422;
  }
}

/** @param {Response} response */
async function refusal(response) {
  const body = await response.json().catch(() => null);
  return new Problem({ title: response.statusText, ...body, status: response.status }, body);
}

/** Asks the mount that this page came from. */
export class Api {
  #base;

  /** @param {URL} base */
  constructor(base) {
    this.#base = base;
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | null | undefined>} [params]
   * @param {AbortSignal} [abort]
   */
  get(path, params = {}, abort) {
    return this.#request("GET", path, { params, abort });
  }

  /** @param {string} path @param {unknown} body */
  post(path, body) {
    return this.#request("POST", path, { body });
  }

  /** @param {string} path */
  delete(path) {
    return this.#request("DELETE", path, {});
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ params?: Record<string, string | number | null | undefined>, body?: unknown, abort?: AbortSignal }} what
   */
  async #request(method, path, { params = {}, body, abort }) {
    /** @type {Record<string, string>} */
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const init = { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: abort ?? null };
    const response = await this.#fetch(this.#url(path, params), init);
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : response.json();
  }

  /** @param {URL} url @param {RequestInit} init */
  async #fetch(url, init) {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Problem({ status: 0, title: "The server does not answer." });
    }
  }

  /** @param {string} path @param {Record<string, string | number | null | undefined>} params */
  #url(path, params) {
    const url = new URL(`api/v1/${path}`, this.#base);
    for (const [name, value] of Object.entries(params))
      if (value !== "" && value != null) url.searchParams.set(name, String(value));
    return url;
  }
}
