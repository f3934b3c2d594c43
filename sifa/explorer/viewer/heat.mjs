// The heat maps that can lie over frame t, and the end of their scales.
import { differenceMap, saliencyMap } from './fields.mjs';
import { framesOfStep } from './geometry.mjs';

const HEAT_WORDS = {
  saliency: 'saliency: root mean square of what the offsets were read from, in the trace',
  difference: 'frame difference: mean |frame t + 1 \u2212 frame t| of the two pictures shown, of 1; not in the trace',
};

/** Keeps what was computed for one trace: heat(trace, images, state) gives {map, most, words}, or null without one. */
export function heatMaps() {
  const pixels = new Map(), differences = new Map();

  function pixelsOf(image) {
    if (!pixels.has(image)) {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width: image.width, height: image.height });
      const ctx = canvas.getContext('2d', { willReadFrequently: true });
      ctx.drawImage(image, 0, 0);
      pixels.set(image, ctx.getImageData(0, 0, image.width, image.height));
    }
    return pixels.get(image);
  }

  /** The differences of all pairs of a block, and the largest of the clip, which ends the scale. */
  function differencesOf(trace, images, block) {
    if (!differences.has(block)) {
      const shown = step => pixelsOf(images[framesOfStep(step, block, images.length).middle]);
      const maps = Array.from({ length: block.pairs }, (_, pair) =>
        differenceMap(shown(pair), shown(pair + 1), block, trace.crop));
      differences.set(block, { maps, most: Math.max(...maps.map(map => Math.max(...map))) });
    }
    return differences.get(block);
  }

  function heat(trace, images, { overlay, block: index, pair }) {
    const [block, words] = [trace.blocks[index], HEAT_WORDS[overlay]];
    if (overlay === 'saliency') return { map: saliencyMap(block, pair), most: block.saliency_max, words };
    if (overlay !== 'difference') return null;
    const { maps, most } = differencesOf(trace, images, block);
    return { map: maps[pair], most, words };
  }

  function forget() {
    pixels.clear();
    differences.clear();
  }

  return { heat, forget };
}
