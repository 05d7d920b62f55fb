/**
 * Requests to the kit, and what it says when they fail.
 *
 * @typedef {{ detail: string, pointer?: string }} FieldError
 * @typedef {{ type?: string, title?: string, status: number, detail?: string, errors?: FieldError[] }} ProblemDetails
 */

/** What the kit answered with: RFC 9457. Status 0 is no answer at all. */
export class Problem extends Error {
  /** @param {ProblemDetails} details */
  constructor(details) {
    super(details.detail || details.title || `The server answered ${details.status}.`);
    this.details = details;
  }
}

/**
 * The JSON of an answer; rejects with a Problem.
 *
 * @param {URL} url
 * @param {unknown} [body] Posts it; without one it is a GET.
 * @returns {Promise<any>}
 */
export async function ask(url, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  /** @type {Response} */
  let response;
  try {
    response = await fetch(url, body === undefined ? {} : post);
    if (response.ok) return await response.json();
  } catch {
    throw new Problem({ status: 0, title: "The server does not answer." });
  }
  const problem = await response.json().catch(() => null);
  throw new Problem({ title: response.statusText, ...problem, status: response.status });
}
