// What of a long list is in sight; pure.

/** First row and the one after the last that have to be there, with some to spare on both sides. */
export function rowsInSight(scrollTop, height, rowHeight, count, spare = 8) {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  const after = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return { first: Math.min(first, after), after };
}

/** Where to scroll so that a stretch is in sight; `now` where it is, away from the edges. */
export function scrollTo(now, size, from, to, margin) {
  if (from >= now + margin && to <= now + size - margin) return now;
  return Math.max(0, from - size / 4);
}

/** Where to scroll so that a stretch is just in sight. */
export function scrollJustTo(now, size, from, to) {
  if (from < now) return from;
  return to > now + size ? to - size : now;
}

/** Number of the first of rising times at or after one. */
export function firstFrom(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
