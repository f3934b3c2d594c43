// The three canvases: frame t, frame t+1 and the close-up. What does not depend on the query cell is drawn once per
// pair and kept; hovering copies it and adds the marks.
import { drawDisplacement, drawFrame, drawGrid, drawNeighbours, drawQuery, drawQuiver } from './draw.mjs';
import { arrowEvery, closeView, displacementField, framesOfStep, wholeView } from './geometry.mjs';
import { weightScale } from './palette.mjs';
import { drawGhost, drawTrueFlow, ghostOf, trueField } from './whatif.mjs';

const LAYERS = 24; // kept at most; each is as large as a picture

/** Painter of the canvases {query, key, close}; `resized()` is called when their size on the page has changed. */
export function pictures(canvases, resized) {
  const kept = new Map(); // the layers used last, the latest at the end
  const fields = new Map();

  function field(trace, { block, pair }) {
    const key = `${block} ${pair}`;
    if (!fields.has(key)) fields.set(key, displacementField(trace.blocks[block], pair));
    return fields.get(key);
  }

  /** The layer of that key, painted if it is not among those used last. */
  function layer(key, side, paint) {
    let canvas = kept.get(key);
    if (canvas) kept.delete(key);
    else {
      canvas = document.createElement('canvas');
      canvas.width = canvas.height = side;
      paint(canvas.getContext('2d', { alpha: false }));
    }
    kept.set(key, canvas);
    if (kept.size > LAYERS) kept.delete(kept.keys().next().value);
    return canvas;
  }

  const widths = new Map();
  const sizes = new ResizeObserver(entries => {
    for (const { target, contentRect } of entries) widths.set(target, contentRect.width);
    resized();
  });
  for (const canvas of Object.values(canvases)) sizes.observe(canvas);

  function fit(canvas, ratio) {
    const side = Math.round(widths.get(canvas) * ratio);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    return [canvas.getContext('2d', { alpha: false }), side];
  }

  function draw(trace, images, state, read, ratio = window.devicePixelRatio || 1) {
    if (!widths.get(canvases.query)) return; // not on the page yet, or hidden
    const block = trace.blocks[state.block];
    const scale = weightScale(block, state.pair);
    const image = step => images[framesOfStep(step, block, images.length).middle];
    const [query, side] = fit(canvases.query, ratio);
    const [key] = fit(canvases.key, ratio);
    const [close, small] = fit(canvases.close, ratio);
    const view = wholeView(block, side);
    const near = closeView(block, small, state.y, state.x);

    const shown = `${state.block} ${state.pair} ${side}`;
    const truth = state.flow && trueField(trace, state);
    const ghost = ghostOf(trace, state);
    query.drawImage(layer(`query ${shown} ${state.quiver} ${state.flow}`, side, ctx => {
      drawFrame(ctx, view, block, image(state.pair), trace.crop, ratio);
      if (truth) drawTrueFlow(ctx, view, block, truth, arrowEvery(block, side / ratio), ratio);
      if (state.quiver) drawQuiver(ctx, view, block, field(trace, state), ratio);
    }), 0, 0);
    key.drawImage(layer(`key ${shown}`, side, ctx => {
      drawFrame(ctx, view, block, image(state.pair + 1), trace.crop, ratio);
    }), 0, 0);
    drawFrame(close, near, block, image(state.pair + 1), trace.crop, ratio, 'low');
    drawGrid(close, near, block, ratio);

    drawQuery(query, view, read, ratio, { pinned: state.pinned });
    if (state.quiver) drawDisplacement(query, view, read, ratio);
    if (ghost && state.quiver) drawGhost(query, view, ghost, ratio, false);
    for (const [ctx, window, inside] of [[key, view, true], [close, near, false]]) {
      drawQuery(ctx, window, read, ratio, { faint: true });
      drawNeighbours(ctx, window, read, scale, ratio, inside);
      if (ghost) drawGhost(ctx, window, ghost, ratio);
    }
  }

  /** The cell under a pointer on frame t. */
  function cellAt(block, event) {
    const box = canvases.query.getBoundingClientRect();
    return wholeView(block, box.width).cell(event.clientX - box.left, event.clientY - box.top);
  }

  /** Before another trace. */
  function forget() {
    fields.clear();
    kept.clear();
  }

  return { draw, cellAt, forget, close: () => sizes.disconnect() };
}
