// Drawn layers: kept while there is room, and drawn ahead between frames.

const ROOM = 64e6; // bytes of pixels

/** A store of square bitmaps: get(key, side, paint) draws what it does not hold. Those used longest ago go first. */
export function layerStore() {
  const kept = new Map(); // the latest used at the end
  let held = 0;
  const bytes = layer => 4 * layer.width * layer.height;

  function get(key, side, paint) {
    let layer = kept.get(key);
    if (layer) kept.delete(key);
    else {
      const drawn = new OffscreenCanvas(side, side);
      paint(drawn.getContext('2d', { alpha: false }));
      layer = drawn.transferToImageBitmap();
      held += bytes(layer);
    }
    kept.set(key, layer);
    for (const [old, spare] of kept) {
      if (held <= ROOM || old === key) break;
      held -= bytes(spare);
      spare.close();
      kept.delete(old);
    }
    return layer;
  }

  function clear() {
    kept.forEach(layer => layer.close());
    kept.clear();
    held = 0;
  }

  return { get, clear, has: key => kept.has(key), fits: (side, count) => 4 * side * side * count <= ROOM };
}

const PAUSE = 100; // ms

/**
 * Runs small tasks one by one, from after the next frame on. plan(tasks) replaces those still waiting; pause() puts
 * them off for a moment, so that none gets in the way of a moving pointer.
 */
export function taskQueue() {
  let waiting = [], asked = 0, timer = 0;

  function next() {
    waiting.shift()();
    if (waiting.length) timer = setTimeout(next);
  }

  function stop() {
    cancelAnimationFrame(asked);
    clearTimeout(timer);
  }

  function plan(tasks) {
    stop();
    waiting = tasks;
    if (tasks.length) asked = requestAnimationFrame(() => { timer = setTimeout(next); });
  }

  function pause() {
    stop();
    if (waiting.length) timer = setTimeout(next, PAUSE);
  }

  return { plan, pause };
}
