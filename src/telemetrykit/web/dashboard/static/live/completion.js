import { batch, signal } from "../vendor/toolkit.js";
import { suggest, wordAt } from "./suggest.js";

/**
 * @import { Signal } from "../vendor/toolkit.js"
 * @import { Suggestion, Vocabulary } from "./suggest.js"
 */

/** The suggestions under a text box, and which of them is chosen (-1: none). */
export class Completion {
  #vocabulary;

  /** @param {() => Vocabulary} vocabulary */
  constructor(vocabulary) {
    this.#vocabulary = vocabulary;
    /** @type {Signal<Suggestion[]>} */
    this.offers = signal([]);
    this.chosen = signal(-1);
  }

  /** The chosen suggestion, if one is. */
  get choice() {
    return this.offers.peek()[this.chosen.peek()];
  }

  /** The chosen suggestion or else the first. */
  get best() {
    return this.choice ?? this.offers.peek()[0];
  }

  /**
   * Looks at the word under the caret; between words only an empty box asks for help by itself.
   *
   * @param {HTMLInputElement} box
   */
  look(box) {
    const { word } = wordAt(box.value, box.selectionStart ?? 0);
    this.#set(word || !box.value ? suggest(word, this.#vocabulary()) : []);
  }

  /** Offers something between words too. @param {HTMLInputElement} box */
  ask(box) {
    this.#set(suggest(wordAt(box.value, box.selectionStart ?? 0).word, this.#vocabulary()));
  }

  close() {
    this.#set([]);
  }

  /** Goes round: the suggestions and, between last and first, none of them. @param {1 | -1} by */
  step(by) {
    const places = this.offers.peek().length + 1;
    this.chosen.value = ((this.chosen.peek() + 1 + by + places) % places) - 1;
  }

  /**
   * Puts a suggestion in the place of the word under the caret.
   *
   * @param {HTMLInputElement} box
   * @param {Suggestion} offer
   */
  insert(box, offer) {
    const caret = box.selectionStart ?? box.value.length;
    box.setRangeText(offer.insert, wordAt(box.value, caret).from, caret, "end");
  }

  /** @param {Suggestion[]} offers */
  #set(offers) {
    batch(() => {
      this.offers.value = offers;
      this.chosen.value = -1;
    });
  }
}
