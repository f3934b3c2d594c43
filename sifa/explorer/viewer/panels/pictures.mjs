// The three canvases: frame t, frame t+1 and the close-up. What does not depend on the query cell is drawn once per
// pair and kept; hovering copies it and adds the marks.
import { drawDisplacement, drawFrame, drawGrid, drawNeighbours, drawQuery, drawQuiver } from './draw.mjs';
import { arrowField } from './fields.mjs';
import { arrowEvery, closeView, framesOfStep, wholeView } from './geometry.mjs';
import { heatMaps } from './heat.mjs';
import { taskQueue, layerStore } from './layers.mjs';
import { drawHeat, drawLit, drawReaders, drawTracks, markAt } from './marks.mjs';
import { KEY, weightScale } from './palette.mjs';
import { drawGhost, drawTrueFlow, ghostOf, trueField } from './whatif.mjs';

const REACH = 12; // CSS pixels around a mark
const FIELDS = 256; // kept at most
const AHEAD = 10; // layers that must fit before any is drawn ahead

/** Painter of the canvases {query, key, close}; `resized()` is called when their size on the page has changed. */
export function pictures(canvases, resized) {
  const layers = layerStore();
  const ahead = taskQueue();
  const fields = new Map();
  const heats = heatMaps();
  let planned = '', latest = 0;

  /** Arrows of a pair by one reading, computed once. */
  function field(trace, { block, pair, arrows }) {
    const key = `${block} ${pair} ${arrows}`;
    if (!fields.has(key)) fields.set(key, arrowField(trace.blocks[block], pair, arrows));
    if (fields.size > FIELDS) fields.delete(fields.keys().next().value);
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

  /**
   * Draw everything. `read` is the read-out of the cell, `tap` the neighbour of the equation and `lit` the term of it
   * that is pointed at ('' none); `track` and `rigid` are tracks or null; `readers` answer the reverse question, or
   * are null.
   */
  function draw({ trace, images, state, read, tap, lit, track, rigid, readers }, ratio = window.devicePixelRatio || 1) {
    if (!widths.get(canvases.query)) return; // not on the page yet, or hidden
    const block = trace.blocks[state.block];
    const [query, side] = fit(canvases.query, ratio);
    const [key] = fit(canvases.key, ratio);
    const [close, small] = fit(canvases.close, ratio);
    const view = wholeView(block, side);
    const near = closeView(block, small, state.y, state.x);
    const layer = stillLayers(trace, images, side, ratio);
    const closeStep = readers ? state.pair : state.pair + 1;
    const { middle } = framesOfStep(closeStep, block, images.length);
    query.drawImage(layer.query(state), 0, 0);
    key.drawImage(layer.frame(block, state.pair + 1), 0, 0);
    drawFrame(close, near, block, images[middle], trace.crop, ratio, 'low');
    drawGrid(close, near, block, ratio);

    if (readers) {
      for (const [ctx, window] of [[query, view], [close, near]]) {
        drawReaders(ctx, window, readers, ratio);
        drawQuery(ctx, window, read, ratio, { faint: true, colour: KEY });
      }
      drawQuery(key, view, read, ratio, { pinned: state.pinned, colour: KEY });
    } else {
      const scale = weightScale(block, state.pair);
      if (track) drawTracks(query, view, track, rigid, ratio);
      drawQuery(query, view, read, ratio, { pinned: state.pinned });
      const ghost = ghostOf(trace, state);
      if (state.quiver && !track) drawDisplacement(query, view, read, ratio);
      if (ghost && state.quiver) drawGhost(query, view, ghost, ratio, false);
      for (const [ctx, window, inside] of [[key, view, true], [close, near, false]]) {
        drawQuery(ctx, window, read, ratio, { faint: true });
        drawNeighbours(ctx, window, read, scale, ratio, inside);
        if (ghost) drawGhost(ctx, window, ghost, ratio);
      }
      for (const [ctx, window, next] of [[query, view, false], [key, view, true], [close, near, true]]) {
        if (lit) drawLit(ctx, window, block, read, tap, lit, next, ratio);
      }
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
    const queryKey = ({ block, pair, quiver, arrows, density, tinted, overlay, flow }) =>
      `query ${[block, pair, overlay, flow, side, ...(quiver ? [arrows, density, tinted] : [])].join(' ')}`;
    const query = state => layers.get(queryKey(state), side, ctx => {
      const block = trace.blocks[state.block];
      const view = wholeView(block, side);
      ctx.drawImage(frame(block, state.pair), 0, 0);
      const heat = heats.heat(trace, images, state);
      if (heat) drawHeat(ctx, view, block, heat.map, heat.most);
      const every = arrowEvery(block, side / ratio, state.density);
      const truth = state.flow && trueField(trace, state);
      if (truth) drawTrueFlow(ctx, view, block, truth, every, ratio);
      if (state.quiver) drawQuiver(ctx, view, block, field(trace, state), every, state.tinted, ratio);
    });
    return { frame, query, queryKey };
  }

  /** Draw, after this frame, what the next step in time or depth will show; first in the direction of the last. */
  function drawAhead(layer, trace, state, side) {
    const { block, pair } = state;
    const plan = layer.queryKey(state);
    if (plan === planned) return ahead.pause();
    if (!layers.fits(side, AHEAD)) return;
    const onwards = pair < latest ? -1 : 1;
    [planned, latest] = [plan, pair];
    const near = [[block, pair + onwards], [block, pair - onwards], [block + 1, pair], [block - 1, pair]];
    ahead.plan(near.filter(([b, p]) => p >= 0 && p < trace.blocks[b]?.pairs).flatMap(([b, p]) => {
      const next = { ...state, block: b, pair: p };
      if (layers.has(layer.queryKey(next))) return [];
      const frames = [p, p + 1].map(step => () => layer.frame(trace.blocks[b], step));
      return [frames[0], () => field(trace, next), () => layer.query(next), frames[1]];
    }));
  }

  function pixel(canvas, event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top, box.width];
  }

  /** The cell under a pointer on frame t or frame t + 1. */
  function cellAt(block, canvas, event) {
    const [px, py, side] = pixel(canvas, event);
    return wholeView(block, side).cell(px, py);
  }

  /** The mark under a pointer, as {term, tap}, or null, of what is shown: as `draw` takes it. */
  function markUnder({ trace, state, read, tap }, canvas, event) {
    const block = trace.blocks[state.block];
    const [px, py, side] = pixel(canvas, event);
    const view = canvas === canvases.close ? closeView(block, side, read.y, read.x) : wholeView(block, side);
    return markAt(view, block, read, tap, canvas !== canvases.query, px, py, REACH);
  }

  /** Before another trace. */
  function forget() {
    ahead.plan([]);
    planned = '';
    fields.clear();
    heats.forget();
    layers.clear();
  }

  const width = () => widths.get(canvases.query) || 1; // CSS pixels, without asking for a layout
  const close = () => { ahead.plan([]); sizes.disconnect(); };
  return { draw, width, cellAt, markUnder, forget, field, close, heat: heats.heat };
}
