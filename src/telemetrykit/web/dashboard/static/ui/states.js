import { html } from "../vendor/toolkit.js";

/**
 * What a place shows that has nothing to show.
 *
 * @import { ComponentChildren, VNode } from "../vendor/toolkit.js"
 * @import { Problem } from "../core/api.js"
 * @import { Polled } from "../core/polled.js"
 */

/** @param {{ title: string, children?: ComponentChildren }} props */
export function Notice({ title, children }) {
  return html`<div class="notice"><h2>${title}</h2>${children}</div>`;
}

/** Bars in the shape of the lines that will come. @param {{ lines?: number }} props */
export function Skeleton({ lines = 12 }) {
  const bars = Array.from({ length: lines }, (_, line) => html`<div class=${`bar bar-${line % 4}`} key=${line}></div>`);
  return html`<div class="skeleton" role="status" aria-label="Loading">${bars}</div>`;
}

/** @param {number} status */
function heading(status) {
  if (status === 401) return "You are signed out";
  if (status === 403) return "Not allowed";
  if (status === 404) return "Not found";
  return status === 0 ? "The server does not answer" : "This could not be loaded";
}

/** @param {number} status */
function advice(status) {
  if (status === 0) return "Check that the app is running. This page tries again by itself.";
  return status >= 500 ? "The app itself is not affected. This page tries again by itself." : "";
}

/** What happened, what is unaffected, and what to do. @param {{ problem: Problem, retry?: () => void }} props */
export function Trouble({ problem, retry }) {
  const { status } = problem;
  const words = status === 0 ? [] : problem.sentences;
  const signIn = status === 401 ? "Sign in" : "Sign in as somebody else";
  const action = [401, 403].includes(status)
    ? html`<a class="button" href=${`login${location.hash}`}>${signIn}</a>`
    : retry && html`<button type="button" class="button" onClick=${retry}>Try again</button>`;
  return html`
    <${Notice} title=${heading(status)}>
      ${words.map((sentence) => html`<p key=${sentence}>${sentence}</p>`)}
      ${advice(status) && html`<p class="muted">${advice(status)}</p>`} ${action}
    <//>
  `;
}

/**
 * An answer once it is there, until then how it goes.
 *
 * @param {{ polled: Polled<any>, children: (data: any) => VNode | VNode[] }} props
 */
export function Awaited({ polled, children }) {
  const { data, problem } = polled;
  if (data.value) return children(data.value);
  return problem.value
    ? html`<${Trouble} problem=${problem.value} retry=${() => polled.look()} />`
    : html`<${Skeleton} lines=${8} />`;
}
