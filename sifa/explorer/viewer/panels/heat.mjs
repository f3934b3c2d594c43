// The heat maps that can lie over frame t, and the end of their scales.
import { contextOf } from '../marks/canvas.mjs';
import { differenceMap, saliencyMap } from '../trace/fields.mjs';
import { framesOfStep } from '../trace/geometry.mjs';
/** @import { Block, Heat, Trace } from '../trace/types' */
/** @import { State } from '../state/types' */

/** @param {Block} block */
const saliencyWords = ({ operator }) => 'saliency: root mean square of what the offsets '
  + `${operator?.offsets === 'zero' ? 'would be' : 'were'} read from, in the trace`;
const DIFFERENCE_WORDS =
  'frame difference: mean |frame t + 1 \u2212 frame t| of the two pictures shown, of 1; not in the trace';

/** @param {ImageBitmap} image */
function pixelsOf(image) {
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
  const ctx = contextOf(canvas, { willReadFrequently: true });
  ctx.drawImage(image, 0, 0);
  return ctx.getImageData(0, 0, image.width, image.height);
}

/** Keeps what was computed for one trace. */
export class HeatMaps {
  /** @type {Map<string, {maps: Float32Array[], most: number}>} */
  #differences = new Map();

  /**
   * The differences of all pairs on a block's grid, and the largest of the clip, which ends the scale.
   * @param {Trace} trace
   * @param {ImageBitmap[]} images
   * @param {Block} block
   */
  #differencesOf(trace, images, block) {
    const grid = `${block.height} ${block.width} ${block.pairs} ${block.stride[0]}`;
    let found = this.#differences.get(grid);
    if (!found) {
      const maps = [];
      const picture = (/** @type {number} */ step) => pixelsOf(images[framesOfStep(step, block, images.length).middle]);
      for (let step = 1, from = picture(0); step <= block.pairs; step++) {
        const to = picture(step);
        maps.push(differenceMap(from, to, block, trace.crop));
        from = to;
      }
      found = { maps, most: Math.max(...maps.map(map => Math.max(...map))) };
      this.#differences.set(grid, found);
    }
    return found;
  }

  /**
   * How far the two pictures of a state's pair differ.
   * @param {Trace} trace
   * @param {ImageBitmap[]} images
   * @param {Pick<State, 'block' | 'pair'>} state
   * @returns {Heat}
   */
  difference(trace, images, { block, pair }) {
    const { maps, most } = this.#differencesOf(trace, images, trace.blocks[block]);
    return { map: maps[pair], most, words: DIFFERENCE_WORDS };
  }

  /**
   * The map that a state lays over frame t, or null.
   * @param {Trace} trace
   * @param {ImageBitmap[]} images
   * @param {State} state
   * @returns {Heat | null}
   */
  heat(trace, images, state) {
    const block = trace.blocks[state.block];
    if (state.overlay === 'saliency') {
      return { map: saliencyMap(block, state.pair), most: block.saliency_max, words: saliencyWords(block) };
    }
    return state.overlay === 'difference' ? this.difference(trace, images, state) : null;
  }

  /** Before another trace. */
  forget() { this.#differences.clear(); }
}
