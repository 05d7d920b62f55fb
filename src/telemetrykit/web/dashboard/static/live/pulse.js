import { html } from "../vendor/toolkit.js";
import { counted, span } from "../core/format.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 */

const WIDTH = 120;
const HEIGHT = 20;
/** 60 points fill the picture; what is not known stays empty. */
const STEP = WIDTH / 59;

/** @param {number[]} seconds */
function pointsOf(seconds) {
  const most = Math.max(...seconds, 1);
  const left = WIDTH - (seconds.length - 1) * STEP;
  const y = (/** @type {number} */ count) => HEIGHT - 1 - (count / most) * (HEIGHT - 3);
  return { left, line: seconds.map((count, i) => `${(left + i * STEP).toFixed(1)},${y(count).toFixed(1)}`).join(" ") };
}

/** The last minute in one line. @param {{ app: Dashboard }} props */
export function Pulse({ app }) {
  const { link } = app.feed.value;
  const seconds = app.feed.value.pulse(app.clock.now.value);
  if (link.value.state !== "live" || seconds.length < 2) return null;
  const { left, line } = pointsOf(seconds);
  const total = seconds.reduce((sum, count) => sum + count, 0);
  const words = `${counted(total, "event")} in the last ${span(seconds.length)}`;
  return html`
    <span class="pulse" title=${words}>
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${words}>
        <polygon class="area" points=${`${left},${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
        <polyline class="line" points=${line} />
      </svg>
    </span>
  `;
}
