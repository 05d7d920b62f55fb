import { html, useComputed } from "../vendor/toolkit.js";
import { number } from "../core/format.js";
import { Mark } from "./mark.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { Feed } from "../live/feed.js"
 * @import { State } from "../client.js"
 * @import { Tone } from "./mark.js"
 */

/** @type {Record<State, [Tone, string, string]>} */
const WORDS = {
  connecting: ["idle", "Connecting", ""],
  live: ["ok", "Live", "Events arrive as they happen."],
  reconnecting: ["warn", "Reconnecting", "The stream broke; it resumes where it stopped."],
  unavailable: ["idle", "Polling", "This host has no stream; the page asks every 2 seconds."],
  "signed-out": ["bad", "Signed out", "Sign in to go on."],
  refused: ["bad", "Not allowed", "The stream was refused."],
};

/** @type {[Tone, string, string]} */
const STOPPED = ["idle", "Stopped", "The filter cannot be read."];

/** Whether the page is up to date, and how much happens. @param {{ app: Dashboard }} props */
export function Connection({ app }) {
  const shown = useComputed(() => {
    const { link, problem } = app.feed.value;
    const state = problem.value?.status === 401 ? "signed-out" : link.value.state;
    const [tone, word, why] = problem.value?.invalid ? STOPPED : WORDS[state];
    return { tone, word, why: link.value.problem?.detail ?? why, live: state === "live" };
  });
  const { tone, word, why, live } = shown.value;
  const rate = useComputed(() => rateOf(app.feed.value, app.clock.now.value));
  return html`
    <span class="connection" title=${why}>
      <span role="status"><${Mark} tone=${tone} word=${word} /></span>
      ${live && html`<span class="muted rate">${rate.value}</span>`}
    </span>
  `;
}

/** In its first seconds a page does not know yet. @param {Feed} feed @param {number} now */
function rateOf(feed, now) {
  return feed.pulse(now).length < 2 ? "" : perSecond(feed.rate(now));
}

/** @param {number} rate */
function perSecond(rate) {
  if (rate === 0) return "0/s";
  return rate < 10 ? `${rate.toFixed(1)}/s` : `${number(Math.round(rate))}/s`;
}
