// Which drawer is open beside the pictures.
import { openPanel } from '../state/panel.mjs';
import { box, boxes } from './html.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { State } from '../state/types' */

/** A button names the drawer that it opens as data-panel. */
export class Drawers {
  #now = '';

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.drawers = { experiment: box(root, '.sifa-experiment'), inside: box(root, '.sifa-inside') };
    this.untried = box(root, '.sifa-untried');
    this.ask = box(this.untried, 'button');
  }

  /**
   * @param {Trace} trace
   * @param {State} state
   */
  write({ what_if: whatIfs }, state) {
    const { root } = this;
    const open = openPanel(state);
    const now = `${open} ${state.tour >= 0} ${state.drawer} ${whatIfs.length}`;
    if (this.#now === now) return;
    this.#now = now;
    root.dataset.open = state.tour >= 0 ? 'tour' : open;
    for (const [name, drawer] of Object.entries(this.drawers)) drawer.hidden = name !== open;
    for (const button of boxes(root, '.sifa-tools [data-panel]')) {
      button.setAttribute('aria-expanded', `${button.dataset.panel === open}`);
    }
    this.ask.hidden = whatIfs.length > 0 || !root.dataset.asks;
    box(this.untried, 'span').textContent = whatIfs.length || root.dataset.asks ? '' : 'This trace holds no such runs.';
  }
}
