// Drawn layers: kept while there is room, and drawn ahead while the page is idle.

const ROOM = 64e6; // bytes of pixels

/** A store of square canvases: get(key, side, paint) draws what it does not hold. Those used longest ago go first. */
export function layerStore() {
  const kept = new Map(); // the latest used at the end
  let held = 0;
  const bytes = canvas => 4 * canvas.width * canvas.height;

  function get(key, side, paint) {
    let canvas = kept.get(key);
    if (canvas) kept.delete(key);
    else {
      canvas = document.createElement('canvas');
      canvas.width = canvas.height = side;
      paint(canvas.getContext('2d', { alpha: false }));
      held += bytes(canvas);
    }
    kept.set(key, canvas);
    for (const [old, layer] of kept) {
      if (held <= ROOM || old === key) break;
      held -= bytes(layer);
      kept.delete(old);
    }
    return canvas;
  }

  function clear() {
    kept.clear();
    held = 0;
  }

  return { get, clear, has: key => kept.has(key), fits: (side, count) => 4 * side * side * count <= ROOM };
}

const PAUSE = 100; // ms
const LEFT = 6; // ms that must be left of an idle moment for another task

/**
 * Runs small tasks one by one while the page has nothing else to do. plan(tasks) replaces those still waiting; pause()
 * puts them off for a moment, so that none gets in the way of a moving pointer.
 */
export function idleQueue() {
  const [ask, cancel] = window.requestIdleCallback
    ? [requestIdleCallback, cancelIdleCallback] : [task => setTimeout(task, 50), clearTimeout];
  let waiting = [], asked = 0, paused = 0;

  function next(moment) {
    do waiting.shift()(); while (waiting.length && moment?.timeRemaining() > LEFT);
    if (waiting.length) asked = ask(next);
  }

  function stop() {
    cancel(asked);
    clearTimeout(paused);
  }

  function plan(tasks) {
    stop();
    waiting = tasks;
    if (tasks.length) asked = ask(next);
  }

  function pause() {
    stop();
    if (waiting.length) paused = setTimeout(() => { asked = ask(next); }, PAUSE);
  }

  return { plan, pause };
}
