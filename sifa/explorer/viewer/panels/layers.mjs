// Drawn layers: kept while there is room, and drawn ahead between frames.

const ROOM = 64e6; // bytes of pixels

/** A store of square bitmaps. Those used longest ago go first. */
export class LayerStore {
  /** @type {Map<string, ImageBitmap>} */
  #kept = new Map(); // the latest used at the end
  #held = 0;

  /**
   * The bitmap of a key; one that it does not hold is painted.
   * @param {string} key
   * @param {number} side
   * @param {(ctx: OffscreenCanvasRenderingContext2D) => void} paint
   */
  get(key, side, paint) {
    let layer = this.#kept.get(key);
    if (layer) this.#kept.delete(key);
    else {
      const drawn = new OffscreenCanvas(side, side);
      const ctx = drawn.getContext('2d', { alpha: false });
      if (!ctx) throw new Error('This browser gives no canvas to draw on.');
      paint(ctx);
      layer = drawn.transferToImageBitmap();
      this.#held += bytesOf(layer);
    }
    this.#kept.set(key, layer);
    for (const [old, spare] of this.#kept) {
      if (this.#held <= ROOM || old === key) break;
      this.#held -= bytesOf(spare);
      spare.close();
      this.#kept.delete(old);
    }
    return layer;
  }

  clear() {
    this.#kept.forEach(layer => layer.close());
    this.#kept.clear();
    this.#held = 0;
  }

  /** @param {string} key */
  has(key) { return this.#kept.has(key); }

  /**
   * Whether `count` layers have room at once.
   * @param {number} side
   * @param {number} count
   */
  fits(side, count) { return 4 * side * side * count <= ROOM; }
}

const bytesOf = (/** @type {ImageBitmap} */ layer) => 4 * layer.width * layer.height;

const PAUSE = 100; // ms

/** Runs small tasks one by one, from after the next frame on. */
export class TaskQueue {
  /** @type {(() => void)[]} */
  #waiting = [];
  #frame = 0;
  #timer = 0;

  #next() {
    this.#waiting.shift()?.();
    if (this.#waiting.length) this.#later(0);
  }

  /** @param {number} time ms */
  #later(time) { this.#timer = window.setTimeout(() => this.#next(), time); }

  #stop() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  /**
   * Replace the tasks that still wait.
   * @param {(() => void)[]} tasks
   */
  plan(tasks) {
    this.#stop();
    this.#waiting = tasks;
    if (tasks.length) this.#frame = requestAnimationFrame(() => this.#later(0));
  }

  /** Put them off for a moment, so that none gets in the way of a moving pointer. */
  pause() {
    this.#stop();
    if (this.#waiting.length) this.#later(PAUSE);
  }
}
