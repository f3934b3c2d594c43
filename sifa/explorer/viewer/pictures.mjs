// The three canvases: frame t, frame t+1 and the close-up. What does not depend on the query cell is drawn once per
// pair and kept; hovering copies it and adds the marks.
import { drawDisplacement, drawFrame, drawGrid, drawNeighbours, drawQuery, drawQuiver } from './draw.mjs';
import { closeView, displacementField, framesOfStep, wholeView } from './geometry.mjs';
import { idleQueue, layerStore } from './layers.mjs';
import { weightScale } from './palette.mjs';

const AHEAD = 10; // layers that must fit before any is drawn ahead

/** Painter of the canvases {query, key, close}; `resized()` is called when their size on the page has changed. */
export function pictures(canvases, resized) {
  const layers = layerStore();
  const idle = idleQueue();
  const fields = new Map();
  let planned = '', latest = 0;

  function field(trace, block, pair) {
    const key = `${block} ${pair}`;
    if (!fields.has(key)) fields.set(key, displacementField(trace.blocks[block], pair));
    return fields.get(key);
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

  function draw(trace, images, state, read) {
    if (!widths.get(canvases.query)) return; // not on the page yet, or hidden
    const ratio = window.devicePixelRatio || 1;
    const block = trace.blocks[state.block];
    const scale = weightScale(block, state.pair);
    const [query, side] = fit(canvases.query, ratio);
    const [key] = fit(canvases.key, ratio);
    const [close, small] = fit(canvases.close, ratio);
    const view = wholeView(block, side);
    const near = closeView(block, small, state.y, state.x);
    const image = step => images[framesOfStep(step, block, images.length).middle];

    const layer = stillLayers(trace, images, side, ratio);
    query.drawImage(layer.query(state), 0, 0);
    key.drawImage(layer.frame(block, state.pair + 1), 0, 0);
    drawFrame(close, near, block, image(state.pair + 1), trace.crop, ratio, 'low');
    drawGrid(close, near, block, ratio);

    drawQuery(query, view, read, ratio, { pinned: state.pinned });
    if (state.quiver) drawDisplacement(query, view, read, ratio);
    for (const [ctx, window, inside] of [[key, view, true], [close, near, false]]) {
      drawQuery(ctx, window, read, ratio, { faint: true });
      drawNeighbours(ctx, window, read, scale, ratio, inside);
    }
    drawAhead(layer, trace, state, side);
  }

  /** What does not depend on the query cell, at one size: a step's frame, and the query picture of a state. */
  function stillLayers(trace, images, side, ratio) {
    const frame = (block, step) => {
      const { middle } = framesOfStep(step, block, images.length);
      return layers.get(`frame ${middle} ${side}`, side, ctx =>
        drawFrame(ctx, wholeView(block, side), block, images[middle], trace.crop, ratio));
    };
    const queryKey = ({ block, pair, quiver }) => `query ${block} ${pair} ${quiver} ${side}`;
    const query = state => layers.get(queryKey(state), side, ctx => {
      const block = trace.blocks[state.block];
      ctx.drawImage(frame(block, state.pair), 0, 0);
      if (state.quiver) drawQuiver(ctx, wholeView(block, side), block, field(trace, state.block, state.pair), ratio);
    });
    return { frame, query, queryKey };
  }

  /** Draw, once the page is idle, what the next step in time or depth will show; first in the direction of the last. */
  function drawAhead(layer, trace, state, side) {
    const { block, pair } = state;
    const plan = layer.queryKey(state);
    if (plan === planned || !layers.fits(side, AHEAD)) return;
    const onwards = pair < latest ? -1 : 1;
    [planned, latest] = [plan, pair];
    const near = [[block, pair + onwards], [block, pair - onwards], [block + 1, pair], [block - 1, pair]];
    idle.plan(near.filter(([b, p]) => p >= 0 && p < trace.blocks[b]?.pairs).flatMap(([b, p]) => {
      const next = { ...state, block: b, pair: p };
      const missing = !layers.has(layer.queryKey(next));
      return missing ? [() => layer.query(next), () => layer.frame(trace.blocks[b], p + 1)] : [];
    }));
  }

  /** The cell under a pointer on frame t. */
  function cellAt(block, event) {
    const box = canvases.query.getBoundingClientRect();
    return wholeView(block, box.width).cell(event.clientX - box.left, event.clientY - box.top);
  }

  /** Before another trace. */
  function forget() {
    idle.plan([]);
    planned = '';
    fields.clear();
    layers.clear();
  }

  return { draw, cellAt, forget, close() { idle.plan([]); sizes.disconnect(); } };
}
