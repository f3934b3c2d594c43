// The contact sheet: every block and time step as a tile.
import { heatCanvas, still } from '../marks/canvas.mjs';
import { meanOf, measureMap } from '../trace/fields.mjs';
/** @import { Measure, Trace } from '../trace/types' */

/** @type {{[measure in Measure]: (v: number) => string}} */
const MEASURE_WORDS = {
  offset: v => `mean offset ${v.toFixed(2)} cells`, entropy: v => `entropy ${v.toFixed(2)}`,
  outside: v => `${(100 * v).toFixed(1)} % outside`,
};

/**
 * The maps of a measure, block by block and pair by pair, and the end of their common scale.
 * @param {Trace} trace
 * @param {Measure} measure
 */
export function measureMaps(trace, measure) {
  const maps = trace.blocks.map(block =>
    Array.from({ length: block.pairs }, (_, pair) => measureMap(block, pair, measure)));
  return { maps, most: measure === 'offset' ? Math.max(1e-6, ...maps.flat().map(map => Math.max(...map))) : 1 };
}

/** A sheet in a box; a tile names its block and pair as data-block and data-pair. */
export class ContactSheet {
  /** @type {HTMLButtonElement[][]} */
  #tiles = [];

  /** @param {HTMLElement} box */
  constructor(box) { this.box = box; }

  /**
   * Draw all tiles of a measure.
   * @param {Trace} trace
   * @param {Measure} measure
   * @returns {number} the end of their common scale
   */
  fill(trace, measure) {
    const { maps, most } = measureMaps(trace, measure);
    const table = document.createElement('table');
    const steps = Math.max(...trace.blocks.map(block => block.pairs));
    table.innerHTML = `<thead><tr><th scope="col">Block</th>${Array.from({ length: steps }, (_, pair) =>
      `<th scope="col">${pair + 1} → ${pair + 2}</th>`).join('')}</tr></thead><tbody></tbody>`;
    this.#tiles = trace.blocks.map(({ stage, height, width }, index) => {
      const row = table.tBodies[0].insertRow();
      row.innerHTML = `<th scope="row">${index + 1}<small>stage ${stage + 1}</small></th>`;
      return maps[index].map((map, pair) => {
        const button = document.createElement('button');
        const mean = meanOf(map);
        button.type = 'button';
        Object.assign(button.dataset, { block: index, pair });
        button.setAttribute('aria-label', `Block ${index + 1}, step ${pair + 1}: ${MEASURE_WORDS[measure](mean)}`);
        button.append(still(heatCanvas(map, height, width, most)), mean.toFixed(2));
        row.insertCell().append(button);
        return button;
      });
    });
    this.box.replaceChildren(table);
    return most;
  }

  /**
   * Outline the tile that is shown; it alone takes part in the Tab order.
   * @param {number} block
   * @param {number} pair
   */
  mark(block, pair) {
    this.#tiles.forEach((row, b) => row.forEach((button, p) => {
      const here = b === block && p === pair;
      button.tabIndex = here ? 0 : -1;
      if (here) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }));
  }
}
