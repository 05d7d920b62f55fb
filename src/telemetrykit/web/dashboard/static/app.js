/**
 * Draws the dashboard that the server's page has left room for.
 */
import { effect, html, render } from "./vendor/toolkit.js";
import { listen } from "./core/keys.js";
import { Dashboard } from "./dashboard.js";
import { HelpDialog } from "./ui/help.js";
import { Rail } from "./ui/rail.js";
import { ToastLine } from "./ui/toast.js";
import { LiveView } from "./views/live.js";
import { PluginsView } from "./views/plugins.js";
import { StatusView } from "./views/status.js";

/** @type {Record<string, { title: string, view: Function }>} */
const VIEWS = {
  live: { title: "Live", view: LiveView },
  plugins: { title: "Plugins", view: PluginsView },
  status: { title: "Status", view: StatusView },
};

/** @param {Dashboard} app */
const current = (app) => VIEWS[app.route.place.value.view] ?? VIEWS.live;

/** @param {{ app: Dashboard }} props */
function Page({ app }) {
  const { view } = current(app);
  return html`
    <${Rail} app=${app} />
    <${view} app=${app} />
    <${HelpDialog} help=${app.help} />
    <${ToastLine} toast=${app.toast} />
  `;
}

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const app = new Dashboard(new URL("./", document.baseURI));
root.replaceChildren();
render(html`<${Page} app=${app} />`, root);
listen(app);
effect(() => {
  document.title = `${current(app).title} · ${app.boot.title || app.boot.service_name} telemetry`;
});
app.start();

// Others wait for the stream that this tab holds; one that comes back from the browser's cache starts anew.
addEventListener("pagehide", () => app.stop());
addEventListener("pageshow", (event) => event.persisted && location.reload());
