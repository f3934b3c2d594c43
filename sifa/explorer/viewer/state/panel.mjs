// What is open beside the pictures, or in their place. Pure functions.
import { withSetting } from './state.mjs';
/** @import { State } from './types' */

/**
 * The drawer that is open: whatever is asked of Inside opens it.
 * @param {Pick<State, 'panel' | 'drawer'>} state
 */
export const openPanel = ({ panel, drawer }) => (drawer === 'none' ? panel : 'inside');

/**
 * Whether two runs are shown side by side, in place of one with its drawers.
 * @param {Pick<State, 'panel' | 'drawer' | 'tour'>} state
 */
export const comparing = state => openPanel(state) === 'compare' && state.tour < 0;

/**
 * With one drawer open, or none.
 * @param {State} state
 * @param {string} name
 * @returns {State}
 */
export function withPanel(state, name) {
  const next = withSetting(state, 'panel', name);
  if (next.panel === 'compare') return { ...next, drawer: 'none', tour: -1 };
  return next.panel === 'inside' ? next : { ...next, drawer: 'none' };
}
