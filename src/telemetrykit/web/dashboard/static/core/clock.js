import { signal } from "../vendor/toolkit.js";

/** The current time as a signal that moves once a second while somebody can see the page. */
export class Clock {
  constructor() {
    this.now = signal(Date.now());
  }

  start() {
    const tick = () => {
      if (!document.hidden) this.now.value = Date.now();
    };
    setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
  }
}
