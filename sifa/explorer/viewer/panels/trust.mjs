// How far to trust it: the figures of each block and the deletion test, with what they mean.
import { percent } from './words.mjs';
import { escapeHtml } from './template.mjs';

const FIGURES = [ // key, name, what it is
  ['unevenness', 'Weights, from uniform', '1 − entropy / log N: 0 uniform, 1 all on one'],
  ['offset', 'Mean |offset|, cells', '0 is the regular grid'],
  ['spread', 'Width of the points', '1 as wide as the regular grid, 0 all in one place'],
  ['follows_change', 'Offsets follow change', 'rank correlation of grid movement and frame difference'],
  ['like_random', 'Like random weights', 'agreement of displacements: 1 the same, 0 unrelated'],
  ['outside', 'Points outside', 'share that counts 0'],
];
const figure = v => (Number.isFinite(v) ? v.toFixed(2).replace('-', '−') : '–');

function deletionHtml(test) {
  const row = (what, p) => `<dt>${what}</dt><dd>${percent(p)}</dd>`;
  return `<p>Probability of “${escapeHtml(test.label)}” when, in every block, some of each cell’s
    ${test.neighbours} neighbours are taken away:</p><dl>${row('as it is', test.probability)}
    ${row(`without the ${test.removed} strongest`, test.strongest)}
    ${row(`without ${test.removed} random ones, mean of ${test.random_each.length}`, test.random)}
    ${row('without all', test.all)}</dl><p><b>${test.words.map(escapeHtml).join(' ')}</b></p>`;
}

function tableHtml(blocks) {
  const head = blocks.map((_, i) => `<th scope="col">${i + 1}</th>`).join('');
  const rows = FIGURES.map(([key, name, what]) => `<tr><th scope="row">${name} <small>${what}</small></th>
    ${blocks.map(block => `<td>${figure(block[key])}</td>`).join('')}</tr>`).join('');
  return `<table><thead><tr><td>Block</td>${head}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** The panel under the pictures; returns what writes it. */
export function trustPanel(root) {
  const panel = document.createElement('details');
  panel.className = 'sifa-trust';
  panel.innerHTML = '<summary>How far to trust it</summary><div><div></div><div></div></div>';
  root.querySelector('.sifa-stage').after(panel);
  const [table, test] = panel.lastChild.children;
  let shown = null, block = -1;

  return function write(trace, index) {
    if (shown === trace && block === index) return;
    panel.hidden = !trace.trust?.blocks.length;
    if (panel.hidden) return;
    if (shown !== trace) {
      table.innerHTML = `${tableHtml(trace.trust.blocks)}<p></p>`;
      test.innerHTML = deletionHtml(trace.trust.deletion);
    }
    [shown, block] = [trace, index];
    for (const cell of table.querySelectorAll('td, th')) cell.classList.toggle('sifa-now', cell.cellIndex === index + 1);
    const words = trace.trust.blocks[index].words.join(' ') || 'Nothing out of the ordinary.';
    table.lastChild.textContent = `Block ${index + 1}: ${words}`;
  };
}
