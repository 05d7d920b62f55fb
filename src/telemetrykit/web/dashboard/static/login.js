/**
 * The login page: exchanges a token for a session cookie.
 */
import { Api, Problem } from "./core/api.js";
import { readBoot } from "./core/boot.js";
import { memory } from "./core/memory.js";
import { SIGNED_IN } from "./core/session.js";

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const api = new Api(new URL("./", document.baseURI));
const box = /** @type {HTMLInputElement} */ (element("token"));
const button = /** @type {HTMLButtonElement} */ (element("sign-in"));
const { title, service_name: service } = readBoot();

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Problem)) return String(error);
  if (error.status === 401) return "This token is not known here, or it has expired.";
  return error.sentences.join(" ");
}

/** @param {string} words */
function complain(words) {
  element("wrong").textContent = words;
  box.setAttribute("aria-invalid", String(words !== ""));
}

async function signIn() {
  complain("");
  button.disabled = true;
  try {
    await api.post("session", { token: box.value.trim() });
    memory.set(SIGNED_IN, "yes");
    // The page that sent us here left its own place behind the hash.
    location.assign(`./${location.hash}`);
  } catch (error) {
    complain(reason(error));
    box.select();
  } finally {
    button.disabled = false;
  }
}

element("host").textContent = title || service || "telemetrykit";
document.title = `Sign in · ${title || service || "telemetrykit"}`;
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (box.value.trim()) signIn();
  else complain("Paste a token first.");
});
