// The chips of the pins that have letters, below the pictures: a click makes one the query, × lets it go.
import { PINS } from '../marks/palette.mjs';
import { LETTERS } from '../state/pins.mjs';
import { compass, direction } from '../state/text.mjs';
import { box, boxes, element, put } from './html.mjs';
/** @import { ShownPin } from '../state/types' */

/**
 * A pin's letter in its colour.
 * @param {number} index
 */
export const letterHtml = index => `<b class="sifa-letter" style="background:${PINS[index]}">${LETTERS[index]}</b>`;

/**
 * Two buttons of a pin: data-pin is its number, and data-unpin on the one that lets it go.
 * @param {ShownPin} pin
 */
function chipHtml({ index, active, read }) {
  const letter = LETTERS[index];
  const length = Math.hypot(...read.displacement);
  return `<span class="sifa-chip"><button type="button" data-pin="${index}" aria-pressed="${active}"
    aria-label="Pin ${letter}: row ${read.y}, column ${read.x}, moved ${direction(read.displacement)}"
    title="Pin ${letter} (${index + 1})">${letterHtml(index)} ${length.toFixed(1)} ${compass(read.displacement)}</button><button
    type="button" data-unpin="${index}" aria-label="Let pin ${letter} go"
    title="Let it go${active ? ' (Del)' : ''}">×</button></span>`;
}

/** The row of chips; one pin alone is no control. */
export class PinChips {
  #written = '';

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.row = element('div', 'sifa-pins', '<div role="group" aria-label="Pinned places"></div><p role="status"></p>');
    box(root, '.sifa-panel').append(this.row);
    this.chips = box(this.row, 'div');
    this.words = box(this.row, 'p');
  }

  /**
   * Words that stay until something else is shown.
   * @param {string} words
   */
  say(words) { put(this.words, words); }

  /** @param {ShownPin[]} pins */
  write(pins) {
    const markup = pins.map(chipHtml).join('');
    if (markup !== this.#written) {
      const held = this.chips.querySelector(':focus');
      this.chips.innerHTML = this.#written = markup;
      const [now = this.root] = boxes(this.chips, '[aria-pressed=true]');
      if (held) now.focus({ preventScroll: true }); // else keys do nothing
    }
    this.say('');
  }
}
