// The filmstrip, and the window and the square on it: drawn, dragged, and moved by keys.

/**
 * What a mark works with: what is seen now, another choice while it is dragged, its run when it is let go, and that it is held.
 * @typedef {{
 *   seen: () => Seen | null, choose: (part: Partial<Choice>) => void, run: () => void, hold: (on: boolean) => void
 * }} Marked
 */

/**
 * Draw the film, its cuts, the window and the square.
 * @param {HTMLElement} row
 * @param {Seen} seen
 */
function drawMarks(row, seen) {
  const { survey, choice } = seen;
  const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(`.tl-${name}`));
  const part = (/** @type {number} */ time) => `${100 * Math.max(0, Math.min(1, (time - survey.start) / (survey.end - survey.start)))}%`;
  const [height, width] = survey.size;
  const film = find('film');
  const fit = Math.max(4, Math.round(film.clientWidth / film.clientHeight * height / width)); // pictures side by side
  const shown = Math.min(fit, survey.count);
  const frames = Array.from({ length: shown }, (_, i) => survey.thumbnails[Math.floor((i + 0.5) / shown * survey.count)]?.[1] ?? '');
  const key = `${survey.clip} ${shown} ${survey.thumbnails.length} ${survey.cuts.length}`;
  if (film.dataset.key !== key) {
    film.dataset.key = key;
    find('frames').replaceChildren(...frames.map(source => {
      const image = document.createElement('img');
      image.alt = '';
      image.draggable = false;
      if (source) image.src = source;
      return image;
    }));
    find('cuts').replaceChildren(...survey.cuts.map(([time, kind]) => {
      const mark = document.createElement('i');
      mark.style.left = part(time);
      mark.title = `${kind === 'hard' ? 'Cut' : 'Dissolve'} at ${time.toFixed(1)} s`;
      return mark;
    }));
  }
  const end = endOf(seen);
  const box = find('window');
  box.style.left = part(choice.start);
  box.style.right = `calc(100% - ${part(end)})`;
  film.style.setProperty('--from', part(choice.start));
  film.style.setProperty('--to', part(end));
  slide(box, survey.start, Math.max(survey.start, survey.end - end + choice.start), choice.start,
    `${choice.start.toFixed(1)} to ${end.toFixed(1)} s of ${survey.end.toFixed(1)} s`);
  drawSquare(find('picture'), find('square'), seen, (choice.start + end) / 2);
}

/**
 * @param {HTMLElement} picture
 * @param {HTMLElement} box
 * @param {Seen} seen
 * @param {number} time of the frame that stands below it
 */
function drawSquare(picture, box, seen, time) {
  const { survey: { size: [height, width], thumbnails } } = seen;
  const [top, left, side] = squareOf(seen);
  picture.style.aspectRatio = `${width} / ${height}`;
  const nearest = thumbnails.reduce((best, each) => Math.abs(each[0] - time) < Math.abs(best[0] - time) ? each : best, thumbnails[0]);
  const image = picture.querySelector('img');
  if (image && nearest && image.getAttribute('src') !== nearest[1]) image.src = nearest[1];
  box.style.left = `${100 * left / width}%`;
  box.style.top = `${100 * top / height}%`;
  box.style.width = `${100 * side / width}%`;
  box.style.height = `${100 * side / height}%`;
  slide(box, 0, Math.max(width, height) - side, width >= height ? left : top,
    `${side} pixels a side, ${left} from the left and ${top} from the top, of ${width} by ${height}`);
}

/**
 * What screen readers are told of a slider.
 * @param {HTMLElement} box
 * @param {number} low
 * @param {number} high
 * @param {number} now
 * @param {string} text
 */
function slide(box, low, high, now, text) {
  const values = { 'aria-valuemin': low, 'aria-valuemax': high, 'aria-valuenow': now, 'aria-valuetext': text };
  for (const [name, value] of Object.entries(values)) box.setAttribute(name, String(value));
}

/**
 * Follow a pointer from where it is pressed until it is let go; `begin` gives the mover, which takes shares of the area.
 * @param {HTMLElement} area
 * @param {Marked} marked
 * @param {(event: PointerEvent, x: number, y: number) => ((dx: number, dy: number) => void) | null} begin
 */
function dragIn(area, { run, hold }, begin) {
  area.addEventListener('pointerdown', event => {
    if (event.button || !event.isPrimary) return;
    const { left, top, width, height } = area.getBoundingClientRect();
    const move = begin(event, (event.clientX - left) / width, (event.clientY - top) / height);
    if (!move) return;
    area.setPointerCapture(event.pointerId);
    hold(true);
    const follow = (/** @type {PointerEvent} */ { clientX, clientY }) =>
      move((clientX - event.clientX) / width, (clientY - event.clientY) / height);
    const end = (/** @type {PointerEvent} */ { type }) => {
      area.removeEventListener('pointermove', follow);
      area.removeEventListener('pointerup', end);
      area.removeEventListener('pointercancel', end);
      hold(false);
      if (type === 'pointerup') run();
    };
    area.addEventListener('pointermove', follow);
    area.addEventListener('pointerup', end);
    area.addEventListener('pointercancel', end);
  });
}

/**
 * Keys of a slider: each that `act` knows changes it, and a moment after the last one, or at Enter, it is run.
 * @param {HTMLElement} box
 * @param {() => void} run
 * @param {(event: KeyboardEvent) => boolean} act
 */
function moveByKeys(box, run, act) {
  let waits = 0;
  const soon = (/** @type {number} */ time) => {
    clearTimeout(waits);
    waits = setTimeout(run, time);
  };
  box.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key === 'Enter' || act(event))) return;
    event.preventDefault();
    event.stopPropagation();
    soon(event.key === 'Enter' ? 0 : 700);
  });
  box.addEventListener('blur', () => { if (waits) soon(0); });
}

/**
 * The window: dragged in its middle, stretched at its ends, brought to where the film is pressed beside it.
 * @param {HTMLElement} film
 * @param {HTMLElement} box
 * @param {Marked} marked
 */
function dragWindow(film, box, marked) {
  const { seen, choose, run } = marked;
  const move = (/** @type {Seen} */ was, /** @type {number} */ start) => {
    const { survey } = was;
    const last = survey.end - survey.frame - (endOf(was) - was.choice.start);
    choose({ start: roundUp(Math.max(survey.start, Math.min(last, start))) });
  };
  const stretch = (/** @type {Seen} */ was, /** @type {number} */ from, /** @type {number} */ to, /** @type {boolean} */ first) => {
    const { survey } = was;
    const span = survey.frames - 1;
    const longest = Math.min(span * Math.min(1, 4 * survey.step), (first ? to : survey.end - survey.frame) - (first ? survey.start : from));
    const length = Math.max(span * Math.max(survey.frame, 0.01), Math.min(longest, to - from));
    const step = Math.round(1000 * length / span) / 1000;
    choose({ start: first ? roundUp(Math.max(survey.start, to - span * step)) : from, step });
  };
  dragIn(film, marked, (event, x) => {
    const was = seen();
    if (!was) return null;
    const { survey, choice: { start } } = was;
    const [end, all] = [endOf(was), survey.end - survey.start];
    const handle = [...box.children].indexOf(/** @type {Element} */ (event.target));
    box.focus();
    event.preventDefault();
    if (handle === 0) return dx => stretch(was, start + dx * all, end, true);
    if (handle === 1) return dx => stretch(was, start, end + dx * all, false);
    const inside = event.target === box;
    const from = inside ? start : survey.start + x * all - (end - start) / 2;
    if (!inside) move(was, from);
    return dx => move(was, from + dx * all);
  });
  moveByKeys(box, run, ({ key, shiftKey }) => {
    const was = seen();
    if (!was) return false;
    const { survey, choice: { start, step } } = was;
    const end = endOf(was);
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[key];
    if (by && shiftKey) stretch(was, start, end + by * (survey.frames - 1) * survey.frame, false);
    else if (by) move(was, start + by * step);
    else if (key === 'PageUp' || key === 'PageDown') move(was, start + (key === 'PageUp' ? 1 : -1) * (end - start));
    else if (key === 'Home' || key === 'End') move(was, key === 'Home' ? survey.start : survey.end);
    else return false;
    return true;
  });
}

/**
 * The square: dragged in its middle, sized at its corner, brought to where the picture is pressed beside it.
 * @param {HTMLElement} picture
 * @param {HTMLElement} box
 * @param {Marked} marked
 */
function dragSquare(picture, box, marked) {
  const { seen, choose, run } = marked;
  const put = (/** @type {Seen} */ { survey: { size: [height, width] } }, /** @type {number[]} */ [top, left, side]) => {
    const longest = Math.min(height, width);
    const size = Math.round(Math.max(Math.min(longest, Math.max(32, longest / 4)), Math.min(longest, side)));
    const square = [[top, height], [left, width]].map(([at, all]) => Math.round(Math.max(0, Math.min(all - size, at))));
    const middle = size === longest && Math.abs(2 * square[0] - height + size) < 3 && Math.abs(2 * square[1] - width + size) < 3;
    choose({ square: middle ? null : [...square, size] });
  };
  dragIn(picture, marked, (event, x, y) => {
    const was = seen();
    if (!was) return null;
    const [height, width] = was.survey.size;
    const [top, left, side] = squareOf(was);
    box.focus();
    event.preventDefault();
    if (event.target === box.firstElementChild) {
      return (dx, dy) => put(was, [top, left, Math.min(side + Math.max(dx * width, dy * height), height - top, width - left)]);
    }
    const from = event.target === box ? [top, left] : [y * height - side / 2, x * width - side / 2];
    if (event.target !== box) put(was, [...from, side]);
    return (dx, dy) => put(was, [from[0] + dy * height, from[1] + dx * width, side]);
  });
  moveByKeys(box, run, ({ key }) => {
    const was = seen();
    if (!was) return false;
    const [top, left, side] = squareOf(was);
    const [dy, dx] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key] ?? [0, 0];
    const grow = { '+': 1, '=': 1, '-': -1 }[key] ?? 0;
    if (!dy && !dx && !grow) return false;
    const by = Math.min(...was.survey.size) / 16;
    put(was, [top + dy * by - grow * by / 2, left + dx * by - grow * by / 2, side + grow * by]);
    return true;
  });
}
