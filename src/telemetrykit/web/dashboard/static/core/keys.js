/**
 * Keys that work anywhere on the page. They stand back where somebody writes, and where a control uses the key itself.
 *
 * @import { Dashboard } from "../dashboard.js"
 */

const WRITING = "input:not([type=radio]), textarea, select, [contenteditable]";
const CHOOSING = "input[type=radio]";
const PRESSING = "a, button, summary";

/** @type {Record<string, (app: Dashboard) => void>} */
const KEYS = {
  "/": (app) => app.focusFilter(),
  "?": (app) => app.help.show(),
  ArrowDown: (app) => app.browse.move(1),
  ArrowUp: (app) => app.browse.move(-1),
  Enter: (app) => app.browse.enter(),
  Escape: (app) => app.browse.close(),
  Home: (app) => app.browse.resume(),
  j: (app) => app.browse.move(1),
  k: (app) => app.browse.move(-1),
  p: (app) => app.togglePause(),
};
const EVERYWHERE = ["?"];

/** @param {Dashboard} app */
export function listen(app) {
  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!EVERYWHERE.includes(event.key) && app.route.place.peek().view !== "live") return;
    if (!(event.target instanceof Element) || taken(event.target, event.key)) return;
    event.preventDefault();
    act(app);
  });
}

/** @param {Element} target @param {string} key */
function taken(target, key) {
  if (target.matches(WRITING) || target.closest("dialog")) return true;
  if (target.matches(CHOOSING)) return key.startsWith("Arrow");
  return target.matches(PRESSING) && key === "Enter";
}
