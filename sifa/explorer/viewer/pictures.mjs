// The three canvases: frame t, frame t+1 and the close-up. What does not depend on the query cell is drawn once per pair
// and kept; hovering copies it and adds the marks.
import { drawDisplacement, drawFrame, drawGrid, drawNeighbours, drawQuery, drawQuiver } from './draw.mjs';
import { closeView, displacementField, framesOfStep, wholeView } from './geometry.mjs';
import { weightScale } from './palette.mjs';

/** @returns {{draw, view, forget}} for the canvases {query, key, close}, in that order of meaning */
export function pictures(canvases) {
  const kept = { query: layer(), key: layer() };
  const fields = new Map();

  function layer() {
    const canvas = document.createElement('canvas');
    return { canvas, ctx: canvas.getContext('2d', { alpha: false }), drawn: '' };
  }

  function field(trace, { block, pair }) {
    const key = `${block} ${pair}`;
    if (!fields.has(key)) fields.set(key, displacementField(trace.blocks[block], pair));
    return fields.get(key);
  }

  /** Redraw a kept layer only if `key` says that it differs. */
  function keep(name, side, key, paint) {
    const { canvas, ctx, drawn } = kept[name];
    if (drawn !== `${key} ${side}`) {
      if (canvas.width !== side) canvas.width = canvas.height = side;
      paint(ctx);
      kept[name].drawn = `${key} ${side}`;
    }
    return canvas;
  }

  function fit(canvas, ratio) {
    const side = Math.max(1, Math.round(canvas.clientWidth * ratio));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    return [canvas.getContext('2d', { alpha: false }), side];
  }

  function draw(trace, images, state, read) {
    const ratio = window.devicePixelRatio || 1;
    const block = trace.blocks[state.block];
    const scale = weightScale(block, state.pair);
    const image = step => images[framesOfStep(step, block, images.length).middle];
    const [query, side] = fit(canvases.query, ratio);
    const [key] = fit(canvases.key, ratio);
    const [close, small] = fit(canvases.close, ratio);
    const view = wholeView(block, side);
    const near = closeView(block, small, state.y, state.x);

    query.drawImage(keep('query', side, `${state.block} ${state.pair} ${state.quiver}`, ctx => {
      drawFrame(ctx, view, block, image(state.pair), trace.crop, ratio);
      if (state.quiver) drawQuiver(ctx, view, block, field(trace, state), ratio);
    }), 0, 0);
    key.drawImage(keep('key', side, `${state.block} ${state.pair}`, ctx => {
      drawFrame(ctx, view, block, image(state.pair + 1), trace.crop, ratio);
    }), 0, 0);
    drawFrame(close, near, block, image(state.pair + 1), trace.crop, ratio);
    drawGrid(close, near, block, ratio);

    drawQuery(query, view, read, ratio, { pinned: state.pinned });
    if (state.quiver) drawDisplacement(query, view, read, ratio);
    for (const [ctx, window, inside] of [[key, view, true], [close, near, false]]) {
      drawQuery(ctx, window, read, ratio, { faint: true });
      drawNeighbours(ctx, window, read, scale, ratio, inside);
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
    kept.query.drawn = kept.key.drawn = '';
  }

  return { draw, cellAt, forget };
}
