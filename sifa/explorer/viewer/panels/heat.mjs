// The heat maps that can lie over frame t, and the end of their scales.
import { differenceMap, saliencyMap } from './fields.mjs';
import { framesOfStep } from './geometry.mjs';

const HEAT_WORDS = {
  saliency: ({ operator }) => 'saliency: root mean square of what the offsets '
    + `${operator?.offsets === 'zero' ? 'would be' : 'were'} read from, in the trace`,
  difference: () => 'frame difference: mean |frame t + 1 \u2212 frame t| of the two pictures shown, of 1; not in the trace',
};

function pixelsOf(image) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: image.width, height: image.height });
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  ctx.drawImage(image, 0, 0);
  return ctx.getImageData(0, 0, image.width, image.height);
}

/** Keeps what was computed for one trace: heat(trace, images, state) gives {map, most, words}, or null without one. */
export function heatMaps() {
  const differences = new Map();

  /** The differences of all pairs on a block's grid, and the largest of the clip, which ends the scale. */
  function differencesOf(trace, images, block) {
    const grid = `${block.height} ${block.width} ${block.pairs} ${block.stride[0]}`;
    if (!differences.has(grid)) {
      const maps = [];
      let from = pixelsOf(images[framesOfStep(0, block, images.length).middle]);
      for (let step = 1; step <= block.pairs; step++) {
        const to = pixelsOf(images[framesOfStep(step, block, images.length).middle]);
        maps.push(differenceMap(from, to, block, trace.crop));
        from = to;
      }
      differences.set(grid, { maps, most: Math.max(...maps.map(map => Math.max(...map))) });
    }
    return differences.get(grid);
  }

  function heat(trace, images, { overlay, block: index, pair }) {
    const block = trace.blocks[index];
    const words = HEAT_WORDS[overlay]?.(block);
    if (overlay === 'saliency') return { map: saliencyMap(block, pair), most: block.saliency_max, words };
    if (overlay !== 'difference') return null;
    const { maps, most } = differencesOf(trace, images, block);
    return { map: maps[pair], most, words };
  }

  return { heat, forget: () => differences.clear() };
}
