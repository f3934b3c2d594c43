// The panel of the tour, beside the pictures.
import { TOUR, tourFits } from '../state/tour.mjs';
import { box, element, part } from './html.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Shown } from '../state/types' */

/** A button names where it goes as data-tour: one step back or on, or 'end'. */
export class TourPanel {
  /** @type {Trace | null} */
  #shown = null;
  #now = -1;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.panel = element('section', 'sifa-tour', `<p class="sifa-tour-steps"><button type="button" data-tour="-1"
    aria-label="Previous step of the tour">\u2039</button><input type="range" min="0" max="${TOUR.length - 1}" step="1"
    aria-label="Step of the tour"><button type="button" data-tour="1"
    aria-label="Next step of the tour">\u203A</button><span></span>
    <button type="button" data-tour="end">End the tour</button></p><h3></h3><p role="status"></p>`);
    this.panel.setAttribute('aria-label', 'Tour');
    box(root, '.sifa-side').prepend(this.panel);
    this.asks = Boolean(root.dataset.asks); // then the host brings the tour's clip
    this.start = box(root, '[data-do=tour]');
    this.timeline = part(this.panel, 'input', HTMLInputElement);
    this.title = box(this.panel, 'h3');
    this.prose = box(this.panel, '[role=status]');
  }

  /** @param {Pick<Shown, 'trace' | 'state' | 'read'>} shown */
  write({ trace, state, read }) {
    if (this.#shown === trace && this.#now === state.tour) return;
    const begins = this.#now < 0 && state.tour >= 0;
    [this.#shown, this.#now] = [trace, state.tour];
    const { tour: now } = state;
    this.start.hidden = !tourFits(trace) && !this.asks;
    this.start.setAttribute('aria-pressed', `${now >= 0}`);
    this.panel.hidden = now < 0;
    if (now < 0) return;
    if (begins) box(this.panel, '[data-tour="1"]').focus({ preventScroll: true }); // and the arrow keys stay those of time
    this.timeline.value = `${now}`;
    box(this.panel, 'span').textContent = `${now + 1} of ${TOUR.length}`;
    box(this.panel, '[data-tour="-1"]').setAttribute('aria-disabled', `${now === 0}`);
    box(this.panel, '[data-tour="1"]').setAttribute('aria-disabled', `${now === TOUR.length - 1}`);
    this.title.textContent = TOUR[now].title;
    this.prose.textContent = TOUR[now].text(trace, state, read);
  }
}
