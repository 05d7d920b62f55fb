/** Where the dashboard's modules are, seen from the tests. */
const STATIC = new URL("../../../src/telemetrykit/web/dashboard/static/", import.meta.url);

/** @param {string} path */
export const load = (path) => import(new URL(path, STATIC).href);
