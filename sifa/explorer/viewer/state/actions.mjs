// What keys, buttons, menus, mouse and touch can do, by name. Each ends in another state.
import { nextDensity, sameplace } from './geometry.mjs';
import {
  SETTINGS, withBlock, withCell, withPair, withPin, withSetting, withTap, withWhatIf, withoutPin,
} from './state.mjs';
import { withTour } from './tour.mjs';
import { whatIfAfter } from './whatif.mjs';

const SPEEDS = [0.25, 0.5, 1, 2, 4];

/**
 * `viewer` has the present `state`, `trace`, `tap` (the neighbour of the equation) and `width` of a picture, set(state),
 * play(on), light(mark) and help(). Cells are of frame t or, where `reverse`, of frame t + 1.
 */
export function viewActions(viewer) {
  const { set, play, light, help } = viewer;
  let asked = null; // the query from before the pointer came to frame t + 1: {y, x, block}

  const block = () => viewer.trace.blocks[viewer.state.block];
  const change = (name, value) => set(withSetting(viewer.state, name, value));
  const toCell = (y, x, reverse) => set(withCell(viewer.state, viewer.trace, y, x, reverse));

  /** The value some places further along a list; round and round where `round`. */
  function shift(name, step, list, round = false) {
    const at = list.indexOf(viewer.state[name]) + step;
    actions.choose(name, String(list[round ? at % list.length : Math.max(0, Math.min(list.length - 1, at))]));
  }

  const actions = {
    light, help,
    goTo: pair => set(withPair(viewer.state, viewer.trace, pair)),
    previous: () => actions.goTo(viewer.state.pair - 1),
    next: () => actions.goTo(viewer.state.pair + 1),
    play: () => play(!viewer.state.playing),
    block: index => set(withBlock(viewer.state, viewer.trace, index)),
    shallower: () => actions.block(viewer.state.block - 1),
    deeper: () => actions.block(viewer.state.block + 1),
    visit: (index, pair) => set(withPair(withBlock(viewer.state, viewer.trace, index), viewer.trace, pair)),

    hover(y, x, reverse) {
      if (viewer.state.pinned) return;
      const { y: from, x: at, reverse: was } = viewer.state;
      if (reverse && !was) asked = { y: from, x: at, block: block() };
      toCell(y, x, reverse);
    },
    /** The pointer leaves frame t + 1: unless a place there is pinned, back to the query from before. */
    leave() {
      const { reverse, pinned } = viewer.state;
      if (asked && reverse && !pinned) toCell(...sameplace(asked.y, asked.x, asked.block, block()), false);
      asked = null;
    },
    /** Coming from the other picture, the first key only turns the question round. */
    move(dy, dx, reverse) {
      const { y, x, reverse: was } = viewer.state;
      toCell(...(was === reverse ? [y + dy, x + dx] : [y, x]), reverse);
    },
    pin: (y, x, reverse = false) => set(withPin(viewer.state, viewer.trace, y, x, reverse)),
    pinHere: reverse => actions.pin(viewer.state.y, viewer.state.x, reverse),
    unpin: () => set(withoutPin(viewer.state)),
    turn: () => set({ ...viewer.state, reverse: !viewer.state.reverse }),

    quiver: () => set({ ...viewer.state, quiver: !viewer.state.quiver }),
    /** A setting's value, as a menu gives it: text. */
    choose(name, text) {
      if (name === 'arrows') set({ ...viewer.state, quiver: text !== 'off' });
      change(name, SETTINGS[name].find(value => String(value) === text));
      if (name === 'speed' && viewer.state.playing) play(true);
    },
    arrows: () => shift('arrows', 1, SETTINGS.arrows, true),
    overlay: () => shift('overlay', 1, SETTINGS.overlay, true),
    density: step => change('density', nextDensity(block(), viewer.width, viewer.state.density, step)),
    more: () => actions.density(1),
    fewer: () => actions.density(-1),
    faster: () => shift('speed', 1, SPEEDS),
    slower: () => shift('speed', -1, SPEEDS),
    tint: () => change('tinted', !viewer.state.tinted),

    drawer: name => change('drawer', viewer.state.drawer === name ? 'none' : name),
    equation: () => actions.drawer('equation'),
    neighbours: () => actions.drawer('neighbours'),
    sheet: () => actions.drawer('sheet'),
    whatIf: name => set(withWhatIf(viewer.state, viewer.trace, name === viewer.state.whatIf ? '' : name)),
    nextWhatIf: () => set(withWhatIf(viewer.state, viewer.trace, whatIfAfter(viewer.trace, viewer.state, 1))),
    previousWhatIf: () => set(withWhatIf(viewer.state, viewer.trace, whatIfAfter(viewer.trace, viewer.state, -1))),
    flow: () => set({ ...viewer.state, flow: !viewer.state.flow && viewer.trace.true_flow.length > 0 }),

    tour: step => set(withTour(viewer.state, viewer.trace, step ?? (viewer.state.tour < 0 ? 0 : -1))),

    keep: tap => set(withTap(viewer.state, viewer.trace, tap)),
    nextTap: () => actions.keep((viewer.tap + 1) % block().taps),
    previousTap: () => actions.keep((viewer.tap + block().taps - 1) % block().taps),
  };
  return actions;
}
