// All panels around the pictures, written together.
import { PINS, QUERY, weightScale } from '../marks/palette.mjs';
import { letterOf } from '../state/pins.mjs';
import { readersSpeech, readoutSpeech } from '../state/words.mjs';
import { Controls } from './controls.mjs';
import { box } from './html.mjs';
import { readersHtml } from './readers.mjs';
import { PinChips } from './pins.mjs';
import { ReadOutPanel } from './readout.mjs';
import { Drawers } from './drawers.mjs';
import { TourPanel } from './tour.mjs';
import { TrustPanel } from './trust.mjs';
import { FurtherViews } from './views.mjs';
import { WhatIfRow } from './whatif.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Shown, State } from '../state/types' */
/** @import { Pictures } from './pictures.mjs' */

/** The panels of a root. */
export class Panels {
  /** @type {Partial<State>} */
  #written = {}; // what the page says

  /**
   * @param {HTMLElement} root
   * @param {Pictures} painter
   */
  constructor(root, painter) {
    this.painter = painter;
    this.live = box(root, '.sifa-live');
    this.readers = box(root, '.sifa-asked');
    this.controls = new Controls(root);
    this.readOut = new ReadOutPanel(box(root, '.sifa-read'), box(root, '.sifa-scale'));
    this.whatIf = new WhatIfRow(root);
    this.pins = new PinChips(root);
    this.trust = new TrustPanel(root);
    this.tour = new TourPanel(root);
    this.views = new FurtherViews(root, painter);
    this.drawers = new Drawers(root);
  }

  /** @param {Trace} trace */
  writeTrace(trace) { this.controls.writeTrace(trace); }

  /** What the page says no longer holds: all is written the next time. */
  forget() { this.#written = {}; }

  /** @param {Shown} shown */
  write(shown) {
    this.#writeChanges(shown);
    const { trace, state, read, readers } = shown;
    const block = trace.blocks[state.block];
    const chosen = state.drawer === 'equation' || shown.lit ? shown.tap : -1;
    const hue = letterOf(state) ? PINS[state.active] : QUERY;
    if (readers) this.readers.innerHTML = readersHtml(readers, state);
    else this.readOut.write(read, block, weightScale(block, state.pair), state, chosen, hue);
    this.pins.write(shown.pins);
    this.views.write(shown);
    this.whatIf.write(trace, state, read);
    this.trust.write(trace, state.block);
    this.tour.write(shown);
    this.controls.writeCaption(shown);
    this.controls.writeSentence(shown);
    this.drawers.write(trace, state);
    this.#written = state;
  }

  /**
   * What is written only where it differs from what the page says.
   * @param {Shown} shown
   */
  #writeChanges(shown) {
    const { trace, state } = shown;
    const written = this.#written;
    if (written.block !== state.block || written.pair !== state.pair || written.density !== state.density
      || written.arrows !== state.arrows || written.zoom !== state.zoom) {
      this.controls.writePair(shown, this.painter.width * state.zoom);
    }
    if (written.playing !== state.playing) this.controls.writePlaying(state.playing);
    if (written.reverse !== state.reverse) this.controls.writeReverse(state.reverse);
    if (written.reverse !== state.reverse || written.pins !== state.pins || written.active !== state.active) {
      this.controls.writeClose(trace.blocks[state.block], state);
    }
  }

  /**
   * Tell the live region of a state that has come to rest, and of the run beside it.
   * @param {Shown} shown
   * @param {string} beside
   */
  speak({ trace, state, read, readers }, beside) {
    this.live.textContent = (readers ? readersSpeech(readers, state) : readoutSpeech(read, trace, state)) + beside;
  }
}
