// Where am I: the model from its frames to its answer, as a row of buttons, one for each block.
import { boxes } from './html.mjs';
/** @import { Trace } from '../trace/types' */

/**
 * The strip as HTML; a button names its block as data-block. Blocks stand in their stages.
 * @param {Trace} trace
 */
export function wayHtml({ blocks, labels, pictures, crop }) {
  const stages = [...new Set(blocks.map(({ stage }) => stage))];
  const button = (/** @type {number} */ i) => `<button type="button" data-block="${i}" title="Block ${i + 1}"
    aria-label="Block ${i + 1}, ${blocks[i].height} × ${blocks[i].width} cells"><b>${i + 1}</b></button>`;
  const stage = (/** @type {number} */ number) => {
    const mine = [...blocks.keys()].filter(i => blocks[i].stage === number);
    const { height, width } = blocks[mine[0]];
    return `<li><span>${mine.map(button).join('')}</span><small>stage ${number + 1}<br>${height} × ${width}</small></li>`;
  };
  return `<ol><li class="sifa-end"><span>stem</span><small>${pictures.length} frames<br>${crop.size} px</small></li>
    ${stages.map(stage).join('')}
    ${labels.length ? `<li class="sifa-end"><span>head</span><small>${labels.length}<br>answers</small></li>` : ''}</ol>`;
}

/**
 * Light the present block.
 * @param {HTMLElement} way
 * @param {number} block
 */
export function markWay(way, block) {
  for (const button of boxes(way, 'button')) {
    if (button.dataset.block === `${block}`) button.setAttribute('aria-current', 'step');
    else button.removeAttribute('aria-current');
  }
}
