/**
 * What the server wrote into the page.
 *
 * @typedef {{ title: string, service_name: string, version: string, path: string }} Boot
 */

/** @returns {Boot} */
export function readBoot() {
  const text = document.getElementById("tk-boot")?.textContent ?? "{}";
  return { title: "", service_name: "", version: "", path: "", ...JSON.parse(text) };
}
