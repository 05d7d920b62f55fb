import { html } from "../vendor/toolkit.js";
import { Connection } from "./connection.js";

/**
 * @import { Dashboard } from "../dashboard.js"
 */

/** Name, label, and what it takes to see it. @type {[string, string, string][]} */
const VIEWS = [
  ["live", "Live", "events:read"],
  ["status", "Status", "system:read"],
  ["plugins", "Plugins", "plugins:read"],
];
/** @type {Record<string, string>} */
const WORDS = { _host: "The host itself" };

/** Which app this is, where one can go, and how the page is connected. @param {{ app: Dashboard }} props */
export function Rail({ app }) {
  const { boot, route } = app;
  const { view } = route.place.value;
  return html`
    <header class="rail">
      <div class="brand">
        <svg class="logo" viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="6.5" /><path d="M1.5 8h3l2-4 3 8 2-4h3" />
        </svg>
        <div>
          <strong>${boot.title || boot.service_name || "telemetrykit"}</strong>
          <span class="muted">telemetry</span>
        </div>
      </div>
      <nav aria-label="Views">
        ${VIEWS.filter(([, , permission]) => app.session.may(permission)).map(
          ([name, label]) => html`
            <a key=${name} href=${route.href(name)} aria-current=${name === view ? "page" : undefined}>${label}</a>
          `,
        )}
      </nav>
      <${Tenants} app=${app} />
      <div class="foot">
        <${Person} app=${app} />
        <div class="foot-row">
          <${Connection} app=${app} />
          <button type="button" class="keys" title="Keys and filters" onClick=${() => app.help.show()}>
            <kbd>?</kbd> keys
          </button>
        </div>
      </div>
    </header>
  `;
}

/** @param {{ app: Dashboard }} props */
function Tenants({ app }) {
  const { me } = app.session;
  const names = me.value?.tenants ?? [];
  if (names.length < 2 || !me.value) return null;
  const chosen = app.query.value.tenant || me.value.tenant;
  const choose = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    app.lookAt(value === me.value?.tenant ? "" : value);
  };
  const all = app.session.may("tenants:all") && app.session.may("system:read");
  return html`
    <label class="tenants">
      <span class="muted">Tenant</span>
      <select value=${chosen} onChange=${choose}>
        ${names.map((name) => html`<option key=${name} value=${name}>${WORDS[name] ?? name}</option>`)}
        ${all && html`<option value="*">All tenants</option>`}
      </select>
    </label>
  `;
}

/** @param {{ app: Dashboard }} props */
function Person({ app }) {
  const { me, cookie } = app.session;
  if (!me.value) return null;
  const leave = () => app.toast.during(app.session.end(), "");
  return html`
    <div class="foot-row">
      <span class="muted clip" title=${`You are ${me.value.id}: ${me.value.roles.join(", ")}`}>${me.value.id}</span>
      ${cookie.value && html`<button type="button" class="text-button" onClick=${leave}>Sign out</button>`}
    </div>
  `;
}
