// The three canvases: frame t, frame t+1 and the close-up. What does not depend on the query cell is drawn once per
// pair and kept; hovering copies it and adds the marks.
import { contextOf, paint } from '../marks/canvas.mjs';
import { frameMarks } from '../marks/frame.mjs';
import { cellMarks, closeGround, fieldMarks, pictureOf } from '../marks/list.mjs';
import { markAt } from '../marks/lit.mjs';
import { spotsOf } from '../marks/points.mjs';
import { arrowField } from '../trace/fields.mjs';
import { closeView, zoomedView } from '../trace/geometry.mjs';
import { HeatMaps } from './heat.mjs';
import { LayerStore, TaskQueue } from './layers.mjs';
/** @import { Block, Trace } from '../trace/types' */
/** @import { Shown, State } from '../state/types' */

/**
 * The two pictures, and the close-up where there is one.
 * @typedef {{query: HTMLCanvasElement, key: HTMLCanvasElement, close?: HTMLCanvasElement}} Canvases
 */

/** What is shown, and how large. @typedef {{trace: Trace, images: ImageBitmap[], side: number, ratio: number}} Scene */

const REACH = 12; // CSS pixels around a mark
const FIELDS = 256; // kept at most
const AHEAD = 10; // layers that must fit before any is drawn ahead

/** @param {State} state */
const fieldKey = ({ block, pair, arrows }) => `${block} ${pair} ${arrows}`;

/** @param {Pick<State, 'zoom' | 'midY' | 'midX'>} about */
const zoomKey = ({ zoom, midY, midX }) => (zoom === 1 ? '' : [zoom, midY, midX].join());

/**
 * @param {State} state
 * @param {number} side
 */
const queryKey = ({ block, pair, playing, beat, quiver, arrows, density, tinted, overlay, flow, ...about }, side) =>
  `query ${[
    block, pair, playing ? beat : 0, overlay, flow, side, zoomKey(about), ...(quiver ? [arrows, density, tinted] : []),
  ].join(' ')}`;

/** Painter of the canvases. */
export class Pictures {
  #layers = new LayerStore();
  #ahead = new TaskQueue();
  #heats = new HeatMaps();
  /** @type {Map<string, Float32Array>} */
  #fields = new Map();
  /** @type {Map<Element, number>} */
  #widths = new Map();
  #planned = '';
  #latest = 0;

  /**
   * @param {Canvases} canvases
   * @param {() => void} resized called when their size on the page has changed
   */
  constructor(canvases, resized) {
    this.canvases = canvases;
    this.sizes = new ResizeObserver(entries => {
      for (const { target, contentRect } of entries) this.#widths.set(target, contentRect.width);
      resized();
    });
    for (const canvas of Object.values(canvases)) this.sizes.observe(canvas);
  }

  /** CSS pixels of a picture, without asking for a layout. */
  get width() { return this.#widths.get(this.canvases.query) || 1; }

  /**
   * Arrows of a pair by one reading, computed once.
   * @param {Trace} trace
   * @param {State} state
   */
  field(trace, state) {
    const key = fieldKey(state);
    let field = this.#fields.get(key);
    if (!field) {
      field = arrowField(trace.blocks[state.block], state.pair, state.arrows);
      this.#fields.set(key, field);
      if (this.#fields.size > FIELDS) for (const oldest of this.#fields.keys()) { this.#fields.delete(oldest); break; }
    }
    return field;
  }

  /**
   * The heat map that a state lays over frame t, or null.
   * @param {Shown} shown
   */
  heat({ trace, images, state }) { return this.#heats.heat(trace, images, state); }

  /**
   * How far the two pictures of a pair differ.
   * @param {Shown} shown
   */
  difference({ trace, images, state }) { return this.#heats.difference(trace, images, state); }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} ratio
   */
  #fit(canvas, ratio) {
    const side = Math.round((this.#widths.get(canvas) ?? 0) * ratio);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    return { ctx: contextOf(canvas, { alpha: false }), side };
  }

  /**
   * Draw everything.
   * @param {Shown} shown
   * @param {number} ratio device pixels of the pictures for each CSS pixel
   */
  draw(shown, ratio = window.devicePixelRatio || 1) {
    const { canvases } = this;
    if (!this.#seen(canvases.key)) return; // not on the page yet, or hidden
    const { trace, images, state } = shown;
    const block = trace.blocks[state.block];
    const { ctx: key, side } = this.#fit(canvases.key, ratio);
    const close = canvases.close && this.#seen(canvases.close) ? this.#fit(canvases.close, ratio) : null;
    const near = close && closeView(block, close.side, state.y, state.x);
    const scene = { trace, images, side, ratio };
    const marks = cellMarks(zoomedView(block, side, state), near, shown, ratio);
    if (this.#seen(canvases.query)) {
      const { ctx: query } = this.#fit(canvases.query, ratio);
      query.drawImage(this.#queryLayer(scene, state), 0, 0);
      paint(query, marks.query, images);
    }
    key.drawImage(this.#frameLayer(scene, state, state.pair + 1), 0, 0);
    paint(key, marks.key, images);
    if (close && near) paint(close.ctx, [...closeGround(near, trace, state, ratio), ...marks.close], images);
    this.#drawAhead(scene, state);
  }

  /**
   * Draw the two frames alone, without a mark.
   * @param {Pick<Shown, 'trace' | 'images' | 'state'>} shown
   * @param {number} ratio
   */
  drawFrames({ trace, images, state }, ratio = window.devicePixelRatio || 1) {
    [this.canvases.query, this.canvases.key].forEach((canvas, later) => {
      if (!this.#seen(canvas)) return;
      const { ctx, side } = this.#fit(canvas, ratio);
      ctx.drawImage(this.#frameLayer({ trace, images, side, ratio }, state, state.pair + later), 0, 0);
    });
  }

  /** @param {HTMLCanvasElement} canvas */
  #seen(canvas) { return (this.#widths.get(canvas) ?? 0) > 0; }

  /**
   * A step's frame at one size.
   * @param {Scene} scene
   * @param {State} state
   * @param {number} step
   */
  #frameLayer({ trace, images, side, ratio }, state, step) {
    const block = trace.blocks[state.block];
    const picture = pictureOf(trace, state, step);
    return this.#layers.get(`frame ${picture} ${side} ${zoomKey(state)}`, side, ctx =>
      paint(ctx, frameMarks(zoomedView(block, side, state), block, picture, trace.crop, ratio), images));
  }

  /**
   * The query picture of a state at one size, without the marks of its cell.
   * @param {Scene} scene
   * @param {State} state
   */
  #queryLayer(scene, state) {
    const { trace, images, side, ratio } = scene;
    return this.#layers.get(queryKey(state, side), side, ctx => {
      ctx.drawImage(this.#frameLayer(scene, state, state.pair), 0, 0);
      const view = zoomedView(trace.blocks[state.block], side, state);
      const heat = this.#heats.heat(trace, images, state);
      paint(ctx, fieldMarks(view, trace, state, heat, state.quiver ? this.field(trace, state) : null, ratio), images);
    });
  }

  /**
   * Draw, after this frame, what the next step in time or depth will show; first in the direction of the last.
   * @param {Scene} scene
   * @param {State} state
   */
  #drawAhead(scene, state) {
    const { trace, side } = scene;
    const { block, pair } = state;
    const plan = queryKey(state, side);
    if (plan === this.#planned) return this.#ahead.pause();
    if (!this.#layers.fits(side, AHEAD)) return;
    const onwards = pair < this.#latest ? -1 : 1;
    [this.#planned, this.#latest] = [plan, pair];
    const near = [[block, pair + onwards], [block, pair - onwards], [block + 1, pair], [block - 1, pair]];
    this.#ahead.plan(near.filter(([b, p]) => p >= 0 && p < trace.blocks[b]?.pairs).flatMap(([b, p]) => {
      const next = { ...state, block: b, pair: p };
      if (this.#layers.has(queryKey(next, side))) return [];
      return [
        () => this.#frameLayer(scene, next, p), () => this.field(trace, next),
        () => this.#queryLayer(scene, next), () => this.#frameLayer(scene, next, p + 1),
      ];
    }));
  }

  /**
   * The cell under a pointer on frame t or frame t + 1.
   * @param {Block} block
   * @param {State} state
   * @param {HTMLCanvasElement} canvas
   * @param {MouseEvent} event
   */
  cellAt(block, state, canvas, event) {
    const { px, py, side } = pixel(canvas, event);
    return zoomedView(block, side, state).cell(px, py);
  }

  /**
   * The mark under a pointer, or null, of what is shown.
   * @param {Shown} shown
   * @param {HTMLCanvasElement} canvas
   * @param {MouseEvent} event
   */
  markUnder({ trace, state, read, tap }, canvas, event) {
    const block = trace.blocks[state.block];
    const { px, py, side } = pixel(canvas, event);
    const near = canvas === this.canvases.close;
    const view = near ? closeView(block, side, read.y, read.x) : zoomedView(block, side, state);
    const spots = near ? spotsOf(view, read, 1, false) : null;
    return markAt(view, block, read, tap, canvas !== this.canvases.query, px, py, REACH, spots);
  }

  /** Before another trace. */
  forget() {
    this.#ahead.plan([]);
    this.#planned = '';
    this.#fields.clear();
    this.#heats.forget();
    this.#layers.clear();
  }

  close() {
    this.#ahead.plan([]);
    this.sizes.disconnect();
  }
}

/**
 * A pointer's place on a canvas, in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {MouseEvent} event
 */
function pixel(canvas, event) {
  const { left, top, width } = canvas.getBoundingClientRect();
  return { px: event.clientX - left, py: event.clientY - top, side: width };
}
