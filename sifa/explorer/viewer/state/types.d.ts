// The view as plain data, and what it shows of a trace.
import type { Arrows, Density, Measure, Place, ReadOut, Reader, Trace, TrackPoint, WhatIf } from '../trace/types';

export type Overlay = 'none' | 'saliency' | 'difference' | 'track';
export type Drawer = 'none' | 'equation' | 'neighbours' | 'sheet';
export type Panel = 'none' | 'experiment' | 'inside' | 'compare';

/** What a person may set; SETTINGS in state.mjs lists the values that each may have. */
export interface Settings {
  arrows: Arrows;
  density: Density;
  tinted: boolean;
  overlay: Overlay;
  drawer: Drawer;
  panel: Panel;
  measure: Measure;
  speed: number;
}

/** A pinned query: a cell (y, x) on the grid of `block`. */
export interface Pin {
  block: number;
  y: number;
  x: number;
}

/**
 * Frame pair `pair` goes from query step `pair` to key step `pair + 1`. (y, x) is the query cell or, where the question is
 * `reverse`, the cell of the next frame whose readers are shown; hovering leaves it alone while it is `pinned`. `pins` are
 * the pinned queries by their letters, null where one is free; (y, x) is that of number `active` unless the question is
 * reversed. `tap` is the neighbour whose equation is shown, -1 the strongest. `quiver`: the field's arrows are drawn, by the
 * reading `arrows`. `whatIf` names the change whose run is compared, '' none; `flow`: true motion is drawn; `tour` is
 * the step of the tour, -1 none; `against` names the what-if that Compare puts beside the run, '' the second trace where there
 * is one. While playing, the pictures go on by `beat` frames from those of the step. While `led`,
 * playing takes the query to where most moves; choosing a cell ends it. Both pictures are enlarged `zoom` times about
 * (`midY`, `midX`), shares of the whole.
 */
export interface State extends Settings {
  block: number;
  pair: number;
  y: number;
  x: number;
  pinned: boolean;
  pins: readonly (Pin | null)[];
  active: number;
  reverse: boolean;
  tap: number;
  quiver: boolean;
  playing: boolean;
  beat: number;
  led: boolean;
  whatIf: string;
  against: string;
  flow: boolean;
  tour: number;
  zoom: number;
  midY: number;
  midX: number;
}

/** A value of a field of the state that a link writes as it is. */
export type Value = string | number | boolean;

/**
 * A link's content: file name of the clip, `id` of its pictures (`contentId`), first digits of the weights' sha256,
 * what is locked and hidden, how many pins it asks for, and fields of the state that differ from the empty one.
 */
export interface Link {
  clip: string;
  id: string;
  weights: string;
  lock: string[];
  hide: string[];
  asked: number;
  fields: Partial<State>;
}

/** A step of the tour: `view` is laid over the standard one. */
export interface TourStep {
  title: string;
  /** Where it looks instead of the trace's best block, the tour's pair and the ball: `across` is a share of the width. */
  at?: { block?: 'last'; pair?: number; across?: number };
  view: Partial<State>;
  text: (trace: Trace, state: State, read: ReadOut) => string;
}

/** A mark that is pointed at: a term of the equation, and the neighbour it is of, or null. */
export interface Lit {
  term: string;
  tap: number | null;
}

/** A pin as it is shown: number of its letter, read-out of its cell, whether it is the query cell, its track or null. */
export interface ShownPin {
  index: number;
  active: boolean;
  read: ReadOut;
  track: TrackPoint[] | null;
}

/**
 * All that a state shows of a trace. `tap` is the neighbour of the equation and `lit` the term of it that is pointed at,
 * '' none; `pins` are there where they have letters; `readers` answer the reverse question, or are null, as are tracks where
 * none is asked for; `arrow` is the field's at the cell.
 */
export interface Shown {
  trace: Trace;
  images: ImageBitmap[];
  state: State;
  read: ReadOut;
  readers: Reader[] | null;
  track: TrackPoint[] | null;
  rigid: TrackPoint[] | null;
  pins: ShownPin[];
  tap: number;
  lit: string;
  arrow: Place;
}

/**
 * The run, `of` a what-if or a second trace, that Compare puts beside the one that is shown, and the view of it at the same
 * place. `trace` has blocks to draw its pictures by; `plain` says why its points are not drawn, '' where they are; `twins`: both
 * have the same pictures. `names` tell the two runs apart, and `words` say how they belong together.
 */
export interface Beside {
  of: WhatIf | Second;
  trace: Trace;
  images: ImageBitmap[];
  state: State;
  plain: string;
  twins: boolean;
  names: [string, string];
  words: string;
}

/** A second trace, with its pictures; it is `lasting` where it comes with the page, so that a link finds it again. */
export interface Second {
  trace: Trace;
  images: ImageBitmap[];
  lasting: boolean;
}
