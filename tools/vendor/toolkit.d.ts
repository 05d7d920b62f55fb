import type { VNode } from "preact";

export { createContext, Fragment, h, render } from "preact";
export type { ComponentChildren, ComponentType, JSX, RefObject, VNode } from "preact";
export { useContext, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";
export type { ReadonlySignal, Signal } from "@preact/signals";

/** Markup as a tagged template; one root gives one node. */
export declare function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
