import { html, useEffect, useMemo, useRef, useSignal } from "../vendor/toolkit.js";
import { Completion } from "./completion.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 * @import { RefObject, Signal } from "../vendor/toolkit.js"
 * @import { Suggestion } from "./suggest.js"
 *
 * @typedef {object} Box
 * @property {() => void} type
 * @property {() => void} look
 * @property {(text: string) => void} apply
 * @property {(event: Event) => void} submit
 * @property {(event: KeyboardEvent) => void} press
 * @property {(offer: Suggestion) => void} accept
 */

/**
 * What the box does.
 *
 * @param {Dashboard} app
 * @param {RefObject<HTMLInputElement | null>} input
 * @param {Signal<string>} draft
 * @param {Completion} completion
 * @returns {Box}
 */
function behaviour(app, input, draft, completion) {
  const box = () => /** @type {HTMLInputElement} */ (input.current);
  const look = () => completion.look(box());
  const type = () => {
    draft.value = box().value;
    look();
  };
  const accept = (/** @type {Suggestion} */ offer) => {
    completion.insert(box(), offer);
    type();
  };
  const apply = (/** @type {string} */ text) => {
    completion.close();
    box().blur();
    app.filter(text.trim());
  };
  const step = (/** @type {1 | -1} */ by) => {
    if (completion.offers.peek().length === 0) completion.ask(box());
    completion.step(by);
  };
  const leave = () => {
    if (completion.offers.peek().length > 0) return completion.close();
    draft.value = app.query.peek().q;
    box().blur();
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (completion.choice) accept(completion.choice);
    else apply(draft.peek());
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const offer = event.shiftKey ? undefined : completion.best;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Escape") leave();
    else if (event.key === "Tab" && offer && draft.peek() !== "") accept(offer);
    else return;
    event.preventDefault();
  };
  return { accept, apply, look, press, submit, type };
}

/** The one filter language, with what could be meant under the caret. @param {{ app: Dashboard }} props */
export function FilterBox({ app }) {
  const applied = app.query.value.q;
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const draft = useSignal(applied);
  const completion = useMemo(() => new Completion(() => app.vocabulary()), [app]);
  const box = useMemo(() => behaviour(app, input, draft, completion), [app]);
  useEffect(() => {
    draft.value = applied;
    completion.close();
  }, [applied]);
  const problem = app.feed.value.problem.value;
  const wrong = problem?.invalid ? problem.sentences : [];
  useEffect(() => {
    if (!problem?.invalid) return;
    input.current?.focus();
    // Suggestions would hide what is wrong.
    completion.close();
  }, [problem]);
  const chosen = completion.chosen.value;
  return html`
    <form class="filter" role="search" onSubmit=${box.submit}>
      <div class=${`filter-box${wrong.length > 0 ? " wrong" : ""}`}>
        <label for="filter">Filter</label>
        <input id="filter" ref=${input} type="text" value=${draft.value} placeholder="route:/search status>=500"
          autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="search"
          role="combobox" aria-controls="filter-offers" aria-autocomplete="list"
          aria-expanded=${completion.offers.value.length > 0}
          aria-activedescendant=${chosen < 0 ? undefined : `offer-${chosen}`}
          aria-describedby="filter-words" aria-invalid=${wrong.length > 0}
          onInput=${box.type} onKeyDown=${box.press} onFocus=${box.look} onClick=${box.look}
          onBlur=${() => completion.close()} />
        ${draft.value !== "" && html`<${Clear} apply=${box.apply} />`}
        <kbd class="hint">${draft.value === applied ? "/" : "Enter"}</kbd>
      </div>
      <div id="filter-words" class="filter-words" role="alert">
        ${wrong.map((sentence) => html`<p key=${sentence}>${sentence}</p>`)}
      </div>
      <${Offers} completion=${completion} accept=${box.accept} />
    </form>
  `;
}

/** @param {{ apply: (text: string) => void }} props */
function Clear({ apply }) {
  return html`<button type="button" class="text-button" onClick=${() => apply("")}>Clear</button>`;
}

/** @param {{ completion: Completion, accept: (offer: Suggestion) => void }} props */
function Offers({ completion, accept }) {
  const offers = completion.offers.value;
  const take = (/** @type {Event} */ event, /** @type {Suggestion} */ offer) => {
    // The box keeps the focus while the mouse chooses.
    event.preventDefault();
    accept(offer);
  };
  const options = offers.map(
    (offer, index) => html`
      <li key=${offer.label} id=${`offer-${index}`} role="option" aria-selected=${index === completion.chosen.value}
        onMouseDown=${(/** @type {Event} */ event) => take(event, offer)}>
        <code>${offer.label}</code><span class="muted">${offer.hint}</span>
      </li>
    `,
  );
  return html`
    <ul id="filter-offers" class="offers" role="listbox" aria-label="Suggestions" hidden=${offers.length === 0}>
      ${options}
    </ul>
  `;
}
