// What the page around a viewer is told: that a trace is shown.
import { headline, traceTitle } from '../state/answers.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Source } from './source.mjs' */

/**
 * `source` is what the trace was made of, and `bytes` its own; `key` tells results apart, by the clip's pictures and the
 * weights; `left` is the view of the trace that was shown before, as a link's hash, '' none; `clip` is the file's name, and
 * `weights` that of their file, without its suffix.
 * @typedef {{
 *   source: Source, bytes: ArrayBuffer, key: string, left: string, clip: string, weights: string, title: string, headline: string,
 *   frames: string, trained_on: string, picture: Blob
 * }} Told
 */

/**
 * Send the event `sifa-shown` from the viewer's root.
 * @param {HTMLElement} root
 * @param {Trace} trace
 * @param {Pick<Told, 'source' | 'bytes' | 'left'> & {id: string}} of `id` is that of the trace's pictures
 */
export function tell(root, trace, { id, ...from }) {
  const { clip: { name, indices, source_frames }, checkpoint, pictures } = trace;
  /** @type {Told} */
  const detail = {
    ...from, key: `${id} ${checkpoint.sha256}`, clip: name, weights: checkpoint.file.replace(/\.\w+$/u, ''),
    title: traceTitle(trace), headline: headline(trace),
    frames: `frames ${indices[0]} to ${indices[indices.length - 1]} of ${source_frames}`,
    trained_on: checkpoint.trained_on, picture: pictures[pictures.length >> 1],
  };
  root.dispatchEvent(new CustomEvent('sifa-shown', { bubbles: true, detail }));
}
