// How far to trust it: the figures of each block and the deletion test, with what they mean.
import { escapeHtml, percent } from '../state/text.mjs';
import { box, boxes, element } from './html.mjs';
/** @import { BlockFigures, Deletion, Trace } from '../trace/types' */

/** @type {[Exclude<keyof BlockFigures, 'name' | 'words'>, string, string][]} */
const FIGURES = [ // key, name, what it is
  ['unevenness', 'Weights, from uniform', '1 − entropy / log N: 0 uniform, 1 all on one'],
  ['offset', 'Mean |offset|, cells', '0 is the regular grid'],
  ['spread', 'Width of the points', '1 as wide as the regular grid, 0 all in one place'],
  ['follows_change', 'Offsets follow change', 'rank correlation of grid movement and frame difference'],
  ['like_random', 'Like random weights', 'agreement of displacements: 1 the same, 0 unrelated'],
  ['outside', 'Points outside', 'share that counts 0'],
];

const figure = (/** @type {unknown} */ v) =>
  (typeof v === 'number' && Number.isFinite(v) ? v.toFixed(2).replace('-', '−') : '–');

/**
 * @param {Deletion} test
 * @param {boolean} several answers, whose probabilities are multiplied
 */
function deletionHtml(test, several) {
  const row = (/** @type {string} */ what, /** @type {number} */ p) => `<dt>${what}</dt><dd>${percent(p)}</dd>`;
  const whose = several ? ', of all answers together,' : '';
  return `<p>Probability of “${escapeHtml(test.label)}”${whose} when, in every block, some of each cell’s
    ${test.neighbours} neighbours are taken away:</p><dl>${row('as it is', test.probability)}
    ${row(`without the ${test.removed} strongest`, test.strongest)}
    ${row(`without ${test.removed} random ones, mean of ${test.random_each.length}`, test.random)}
    ${row('without all', test.all)}</dl><p><b>${test.words.map(escapeHtml).join(' ')}</b></p>`;
}

/** @param {BlockFigures[]} blocks */
function tableHtml(blocks) {
  const head = blocks.map((_, i) => `<th scope="col">${i + 1}</th>`).join('');
  const rows = FIGURES.map(([key, name, what]) => `<tr><th scope="row">${name} <small>${what}</small></th>
    ${blocks.map(block => `<td>${figure(block[key])}</td>`).join('')}</tr>`).join('');
  return `<table><thead><tr><td>Block</td>${head}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** The panel under the pictures. */
export class TrustPanel {
  /** @type {Trace | null} */
  #shown = null;
  #block = -1;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.panel = element('details', 'sifa-trust',
      '<summary>How far to trust it</summary><div><div></div><div></div></div>');
    box(root, '.sifa-inside .sifa-note').before(this.panel);
    const [table, test] = boxes(this.panel, 'div > div');
    this.table = table;
    this.test = test;
  }

  /**
   * @param {Trace} trace
   * @param {number} index
   */
  write(trace, index) {
    if (this.#shown === trace && this.#block === index) return;
    const { blocks = [], deletion = null } = trace.trust ?? {};
    this.panel.hidden = !blocks.length;
    if (this.panel.hidden) return;
    if (this.#shown !== trace) {
      this.table.innerHTML = `${tableHtml(blocks)}<p></p>`;
      this.test.innerHTML = deletion ? deletionHtml(deletion, trace.groups.length > 1) : '';
    }
    [this.#shown, this.#block] = [trace, index];
    for (const cell of this.table.querySelectorAll('td, th')) {
      cell.classList.toggle('sifa-now', cell instanceof HTMLTableCellElement && cell.cellIndex === index + 1);
    }
    const words = blocks[index].words.join(' ') || 'Nothing out of the ordinary.';
    box(this.table, 'table + p').textContent = `Block ${index + 1}: ${words}`;
  }
}
