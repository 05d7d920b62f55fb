import htm from "htm";
import { h } from "preact";

export { createContext, Fragment, h, render } from "preact";
export { useContext, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";

export const html = htm.bind(h);
