// The what-ifs of the drawer Experiment: switches, the answer before and after, and the cell's numbers in words.
import { direction, escapeHtml } from '../state/text.mjs';
import { chosenWhatIf, ghostOf, whatIfWords } from '../state/whatif.mjs';
import { trueField } from '../trace/fields.mjs';
import { barsHtml } from './answer.mjs';
import { box, boxes, children, element, mark } from './html.mjs';
/** @import { ReadOut, Trace, WhatIf } from '../trace/types' */
/** @import { State } from '../state/types' */

const GHOST_MARK = '<circle class="g" cx="12" cy="9" r="5.5"/>';
const TRUE_MARK = '<path class="t" d="M4 9h15M14.5 5l4.5 4l-4.5 4"/>';

/**
 * The switches; a button names its what-if, or `flow`, as data-name.
 * @param {Trace} trace
 */
function switchesHtml(trace) {
  const button = (/** @type {string} */ name, /** @type {string} */ title, /** @type {string} */ hint) =>
    `<button type="button" data-name="${escapeHtml(name)}" title="${escapeHtml(hint)}">${escapeHtml(title)}</button>`;
  return (trace.what_if.length ? '<span>What if</span>' : '')
    + trace.what_if.map(each => button(each.name, each.title, each.explanation)).join('')
    + (trace.true_flow.length ? button('flow', 'True motion', 'Known of generated clips (m)') : '');
}

/**
 * The cell's displacement before and after, and its true motion.
 * @param {Trace} trace
 * @param {State} state
 * @param {ReadOut} read
 */
function cellHtml(trace, state, read) {
  if (state.reverse) return '';
  const ghost = ghostOf(trace, state);
  const truth = state.flow && trueField(trace, state);
  const i = state.y * trace.blocks[state.block].width + state.x;
  return (ghost ? mark(GHOST_MARK,
    `this cell’s mean: ${direction(read.displacement)} → ${direction(ghost.displacement)}`) : '')
    + (truth ? mark(TRUE_MARK, `true motion of this cell: ${truth.visible[i]
      ? direction(truth.at(i)) : 'not one surface, or hidden in the next step'}`) : '');
}

/** The row, and the bars of the answer, which it changes. */
export class WhatIfRow {
  /** @type {Trace | null} */
  #shown = null;
  #written = '';
  #said = '';

  /** @param {HTMLElement} root */
  constructor(root) {
    this.row = element('div', 'sifa-whatif', '<div class="sifa-switches" role="group" aria-label="What if"></div>'
      + '<p class="sifa-says" role="status"></p><p class="sifa-legend"></p>');
    box(root, '.sifa-untried').after(this.row);
    const [switches, says, here] = children(this.row);
    this.switches = switches;
    this.says = says;
    this.here = here;
    this.bars = box(root, '.sifa-bars');
  }

  /**
   * @param {Trace} trace
   * @param {State} state
   * @param {WhatIf | null} other
   */
  #press(trace, state, other) {
    for (const button of boxes(this.switches, 'button')) {
      const on = button.dataset.name === 'flow' ? state.flow : button.dataset.name === state.whatIf;
      button.setAttribute('aria-pressed', `${on}`);
    }
    this.bars.innerHTML = barsHtml(trace, other);
    this.bars.classList.toggle('sifa-compared', !!other);
    this.says.textContent = other ? whatIfWords(trace, other, state.block) : '';
  }

  /**
   * @param {Trace} trace
   * @param {State} state
   * @param {ReadOut} read
   */
  write(trace, state, read) {
    if (this.#shown !== trace) {
      this.switches.innerHTML = switchesHtml(trace);
      this.row.hidden = !this.switches.innerHTML;
    }
    const now = `${state.whatIf} ${state.flow} ${state.block}`;
    if (this.#shown !== trace || this.#written !== now) this.#press(trace, state, chosenWhatIf(trace, state));
    [this.#shown, this.#written] = [trace, now];
    const words = cellHtml(trace, state, read);
    if (words !== this.#said) this.here.innerHTML = this.#said = words;
  }
}
