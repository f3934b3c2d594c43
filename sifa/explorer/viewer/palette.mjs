// Colours. Sequential for weights that sum to one, diverging around zero for raw ones; both safe for colour blindness.

const SEQUENTIAL = [[13, 22, 84], [38, 85, 140], [42, 147, 155], [122, 201, 126], [253, 231, 76]];
const DIVERGING = [[5, 82, 160], [109, 174, 219], [245, 245, 240], [247, 166, 88], [196, 64, 10]];

/** 'rgb(...)' at a share 0..1 along a list of colours. */
export function along(colours, share) {
  const at = Math.max(0, Math.min(1, share)) * (colours.length - 1);
  const i = Math.min(colours.length - 2, Math.floor(at));
  const mixed = colours[i].map((c, k) => Math.round(c + (colours[i + 1][k] - c) * (at - i)));
  return `rgb(${mixed.join(',')})`;
}

/** The scale of a block's pair: colour(weight), size(weight) in 0..1, its two ends and its middle. */
export function weightScale(block, pair) {
  const [low, high] = block.range[pair];
  const most = Math.max(Math.abs(low), Math.abs(high), 1e-12);
  if (block.normalised) {
    return { ends: [0, most], colours: SEQUENTIAL, colour: w => along(SEQUENTIAL, w / most), size: w => Math.sqrt(Math.max(0, w) / most) };
  }
  return { ends: [-most, most], colours: DIVERGING, colour: w => along(DIVERGING, (w / most + 1) / 2), size: w => Math.sqrt(Math.abs(w) / most) };
}

/** CSS gradient of a scale, for its legend. */
export function gradient(colours) {
  return `linear-gradient(90deg, ${colours.map(c => `rgb(${c.join(',')})`).join(', ')})`;
}
