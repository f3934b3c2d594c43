// The view as plain data, and what it shows of a trace.
import type { Arrows, Density, Measure, Place, ReadOut, Reader, Trace, TrackPoint } from '../trace/types';

export type Overlay = 'none' | 'saliency' | 'difference' | 'track';
export type Drawer = 'none' | 'equation' | 'neighbours' | 'sheet';

/** What a person may set; SETTINGS in state.mjs lists the values that each may have. */
export interface Settings {
  arrows: Arrows;
  density: Density;
  tinted: boolean;
  overlay: Overlay;
  drawer: Drawer;
  measure: Measure;
  speed: number;
}

/**
 * Frame pair `pair` goes from query step `pair` to key step `pair + 1`. (y, x) is the query cell or, where the question is
 * `reverse`, the cell of the next frame whose readers are shown; hovering leaves it alone while it is `pinned`. `tap` is
 * the neighbour whose equation is shown, -1 the strongest. `quiver`: the field's arrows are drawn, by the reading
 * `arrows`. `whatIf` names the change whose run is compared, '' none; `flow`: true motion is drawn; `tour` is
 * the step of the tour, -1 none.
 */
export interface State extends Settings {
  block: number;
  pair: number;
  y: number;
  x: number;
  pinned: boolean;
  reverse: boolean;
  tap: number;
  quiver: boolean;
  playing: boolean;
  whatIf: string;
  flow: boolean;
  tour: number;
}

/** A value of a field of the state. */
export type Value = string | number | boolean;

/**
 * A link's content: file name of the clip, `id` of its pictures (`contentId`), first digits of the weights' sha256,
 * what is locked and hidden, and fields of the state that differ from the empty one.
 */
export interface Link {
  clip: string;
  id: string;
  weights: string;
  lock: string[];
  hide: string[];
  fields: Partial<State>;
}

/** A step of the tour: `view` is laid over the standard one. */
export interface TourStep {
  title: string;
  view: Partial<State>;
  text: (trace: Trace, state: State, read: ReadOut) => string;
}

/** A mark that is pointed at: a term of the equation, and the neighbour it is of, or null. */
export interface Lit {
  term: string;
  tap: number | null;
}

/**
 * All that a state shows of a trace. `tap` is the neighbour of the equation and `lit` the term of it that is pointed at,
 * '' none; `readers` answer the reverse question, or are null, as are tracks where none is asked for; `arrow` is the
 * field's at the cell.
 */
export interface Shown {
  trace: Trace;
  images: ImageBitmap[];
  state: State;
  read: ReadOut;
  readers: Reader[] | null;
  track: TrackPoint[] | null;
  rigid: TrackPoint[] | null;
  tap: number;
  lit: string;
  arrow: Place;
}
