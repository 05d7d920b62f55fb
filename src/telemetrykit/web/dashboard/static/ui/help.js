import { html, signal, useEffect, useRef } from "../vendor/toolkit.js";
import { link } from "../core/route.js";

/** Whether the list of keys is open. */
export class Help {
  constructor() {
    this.open = signal(false);
  }

  show() {
    this.open.value = true;
  }
}

/** @type {[string[], string][]} */
const KEYS = [
  [["/"], "Go to the filter"],
  [["↓", "j"], "Next event"],
  [["↑", "k"], "Previous event"],
  [["Enter"], "Open the event, apply the filter"],
  [["Esc"], "Close the event, leave the filter"],
  [["p"], "Pause or resume"],
  [["Home"], "Back to the newest"],
  [["?"], "This list"],
];
const EXAMPLES = [
  ["type:http.* status>=500", "requests that failed"],
  ["route:/api/* duration>500ms", "slow requests below /api/"],
  ["severity>=warn -type:log", "warnings that are no log lines"],
  ['"out of stock" or subject:order-81f2', "words anywhere, or one subject"],
];

/** @param {{ help: Help }} props */
export function HelpDialog({ help }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const open = help.open.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
  }, [open]);
  if (!open) return null;
  const close = () => {
    help.open.value = false;
  };
  return html`
    <dialog ref=${dialog} onClose=${close} aria-labelledby="help-title" onClick=${(/** @type {Event} */ event) =>
      event.target === dialog.current && dialog.current?.close()}>
      <div class="help">
        <div class="help-head">
          <h2 id="help-title">Keys and filters</h2>
          <button type="button" class="text-button" onClick=${() => dialog.current?.close()}>Close</button>
        </div>
        <dl class="keys-list">
          ${KEYS.map(
            ([keys, meaning]) => html`
              <div key=${meaning}>
                <dt>${keys.map((key) => html`<kbd key=${key}>${key}</kbd>`)}</dt>
                <dd>${meaning}</dd>
              </div>
            `,
          )}
        </dl>
        <dl class="examples">
          ${EXAMPLES.map(
            ([filter, meaning]) => html`
              <div key=${filter}>
                <dt><a href=${link("live", { q: filter })} onClick=${close}><code>${filter}</code></a></dt>
                <dd class="muted">${meaning}</dd>
              </div>
            `,
          )}
        </dl>
      </div>
    </dialog>
  `;
}
