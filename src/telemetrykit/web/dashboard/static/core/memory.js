/** Small choices that outlive a visit; a browser that forbids storage just forgets them. */
export const memory = {
  /** @param {string} name */
  get(name) {
    try {
      return localStorage.getItem(`telemetrykit.${name}`);
    } catch {
      return null;
    }
  },

  /** @param {string} name @param {string | null} value */
  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(`telemetrykit.${name}`);
      else localStorage.setItem(`telemetrykit.${name}`, value);
    } catch {
      // Forgetting is the only harm.
    }
  },
};
