// Drawn layers: kept within their room, and drawn ahead between frames.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LayerStore, TaskQueue } from '../../sifa/explorer/viewer/panels/layers.mjs';

globalThis.OffscreenCanvas = class {
  constructor(width, height) { Object.assign(this, { width, height }); }
  getContext() { return {}; }
  transferToImageBitmap() { return { width: this.width, height: this.height, close() {} }; }
};

test('drawn layers stay bounded, and those used longest ago go first', () => {
  const store = new LayerStore();
  let painted = 0;
  const get = key => store.get(key, 1000, () => { painted += 1; });
  for (let i = 0; i < 40; i++) { get(`${i}`); get('0'); }
  const held = [...Array(40).keys()].filter(i => store.has(`${i}`));
  assert.deepEqual([painted, store.has('0'), store.has('39'), store.has('1'), held.length], [40, true, true, false, 16]); // 64 MB of 4 MB
  assert.deepEqual([store.fits(1000, 16), store.fits(1000, 17)], [true, false]);
  store.clear();
  assert.ok(!store.has('0'));
});

test('tasks run one by one after a frame; a new plan replaces those that wait, and a pause puts them off', () => {
  const frames = [], timers = [];
  globalThis.requestAnimationFrame = f => frames.push(f);
  globalThis.cancelAnimationFrame = n => { frames[n - 1] = () => {}; };
  globalThis.window = { setTimeout: (f, time) => timers.push({ f, time }) };
  const { clearTimeout: real } = globalThis;
  globalThis.clearTimeout = n => { if (timers[n - 1]) timers[n - 1].f = () => {}; };
  const done = [];
  const queue = new TaskQueue();
  queue.plan([() => done.push('old')]);
  queue.plan(['a', 'b', 'c'].map(name => () => done.push(name)));
  frames.forEach(frame => frame());
  assert.deepEqual(done, []);
  timers.at(-1).f();
  assert.deepEqual(done, ['a']);
  queue.pause();
  assert.equal(timers.at(-1).time, 100);
  timers.slice(1, -1).forEach(({ f }) => f());
  assert.deepEqual(done, ['a']);
  timers.at(-1).f();
  timers.at(-1).f();
  assert.deepEqual(done, ['a', 'b', 'c']);
  globalThis.clearTimeout = real;
});
