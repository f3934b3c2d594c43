// The contact sheet: every block and time step as a tile; a click or Enter goes there.
import { still } from './draw.mjs';
import { measureMap } from './fields.mjs';
import { heatCanvas } from './marks.mjs';

const MEASURE_WORDS = {
  offset: v => `mean offset ${v.toFixed(2)} cells`, entropy: v => `entropy ${v.toFixed(2)}`,
  outside: v => `${(100 * v).toFixed(1)} % outside`,
};

/** Mean of a map, as the number of its tile. */
export const meanOf = map => map.reduce((sum, v) => sum + v, 0) / map.length;

/** A sheet in `box`; `go(block, pair)` is told which tile was chosen. Returns {fill, mark}. */
export function contactSheet(box, go) {
  let tiles = [];

  /** Draw all tiles of a measure; returns the end of their common scale. */
  function fill(trace, measure) {
    const maps = trace.blocks.map(block =>
      Array.from({ length: block.pairs }, (_, pair) => measureMap(block, pair, measure)));
    const most = measure === 'offset' ? Math.max(1e-6, ...maps.flat().map(map => Math.max(...map))) : 1;
    const table = document.createElement('table');
    const steps = Math.max(...trace.blocks.map(block => block.pairs));
    table.innerHTML = `<thead><tr><th scope="col">Block</th>${Array.from({ length: steps }, (_, pair) =>
      `<th scope="col">${pair + 1} → ${pair + 2}</th>`).join('')}</tr></thead><tbody></tbody>`;
    tiles = trace.blocks.map((block, index) => {
      const row = table.tBodies[0].insertRow();
      row.innerHTML = `<th scope="row">${index + 1}<small>stage ${block.stage + 1}</small></th>`;
      return maps[index].map((map, pair) => {
        const button = document.createElement('button');
        const mean = meanOf(map);
        button.type = 'button';
        button.setAttribute('aria-label', `Block ${index + 1}, step ${pair + 1}: ${MEASURE_WORDS[measure](mean)}`);
        button.append(still(heatCanvas(map, block, most)), mean.toFixed(2));
        button.addEventListener('click', () => go(index, pair));
        row.insertCell().append(button);
        return button;
      });
    });
    box.replaceChildren(table);
    return most;
  }

  /** Outline the tile that is shown; it alone takes part in the Tab order. */
  function mark(block, pair) {
    tiles.forEach((row, b) => row.forEach((button, p) => {
      const here = b === block && p === pair;
      button.tabIndex = here ? 0 : -1;
      if (here) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }));
  }

  box.addEventListener('keydown', event => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const b = tiles.findIndex(row => row.includes(event.target));
    if (!step || b < 0) return;
    event.preventDefault();
    event.stopPropagation();
    tiles[b + step[0]]?.[tiles[b].indexOf(event.target) + step[1]]?.focus();
  });

  return { fill, mark };
}
