// What a person set in a viewer <-> the page's `view=` parameter; pure but for the address bar.
//
// view=images~l.four~t.3*other~l.flat : one part a viewer, joined by "*"; entries joined by "~";
// an entry is a letter, a dot and its value. Only what differs from the defaults is written.
// A viewer says which entries it has: name in the state -> [letter, kind].

const round = (digits) => (number) => String(Number(number.toFixed(digits)));
export const text = { write: String, read: (value) => (/^[\w.-]{1,40}$/.test(value) ? value : undefined) };
export const flag = { write: (value) => (value ? "1" : "0"), read: (value) => value === "1" };
export const number = (digits, low, high) => ({
  write: round(digits),
  read(value) {
    const parsed = Number(value);
    return value !== "" && parsed >= low && parsed <= high ? parsed : undefined;
  },
});
export const list = (length, digits, low, high) => ({
  write: (values) => values.map(round(digits)).join(","),
  read(value) {
    const parsed = value.split(",").map(Number);
    const isGood = parsed.length === length && parsed.every((one) => one >= low && one <= high);
    return isGood ? parsed : undefined;
  },
});

/** Entries of every viewer: time and colour. */
export const COMMON_ENTRIES = {
  frame: ["t", number(2, 0, 1e6)],
  playing: ["r", flag],
  speed: ["v", number(2, 0.1, 8)],
  hold: ["h", flag],
  threshold: ["c", number(6, 0, 1e9)],
  fade: ["m", flag],
  limit: ["x", number(6, 1e-9, 1e9)],
  isLocked: ["k", flag],
  colormap: ["a", text],
  outlines: ["o", flag],
  background: ["b", text],
};

/** Entries of `state` that differ from `defaults`, as text; "" where none does. */
export function encodeState(state, defaults, entries) {
  const parts = [];
  for (const [name, [letter, { write }]] of Object.entries(entries)) {
    const value = state[name];
    if (value === undefined || value === null) continue;
    const written = write(value);
    const standard = defaults[name];
    if (standard === undefined || standard === null || write(standard) !== written) {
      parts.push(`${letter}.${written}`);
    }
  }
  return parts.join("~");
}

/** Text -> the entries that are well formed; everything else is left out. */
export function decodeState(encoded, entries) {
  const byLetter = new Map(
    Object.entries(entries).map(([name, [letter, { read }]]) => [letter, { name, read }]),
  );
  const state = {};
  for (const part of encoded.split("~")) {
    const entry = byLetter.get(part.slice(0, part.indexOf(".")));
    const value = entry?.read(part.slice(part.indexOf(".") + 1));
    if (value !== undefined) state[entry.name] = value;
  }
  return state;
}

/** The part of one viewer in a page's query string. */
export function readQuery(search, view) {
  for (const part of viewParts(search)) {
    if (part === view || part.startsWith(`${view}~`)) return part.slice(view.length + 1);
  }
  return "";
}

/** Query string with the part of one viewer replaced; everything else is left as it is. */
export function writeQuery(search, view, encoded) {
  const others = viewParts(search).filter((part) => part !== view && !part.startsWith(`${view}~`));
  const parts = encoded ? [...others, `${view}~${encoded}`] : others;
  const kept = search.replace(/^\?/, "").split("&").filter((pair) => pair && !pair.startsWith("view="));
  if (parts.length) kept.push(`view=${parts.join("*")}`);
  return kept.length ? `?${kept.join("&")}` : "";
}

function viewParts(search) {
  const pair = search.replace(/^\?/, "").split("&").find((one) => one.startsWith("view="));
  if (!pair) return [];
  try {
    return decodeURIComponent(pair.slice(5)).split("*").filter(Boolean);
  } catch {
    return []; // a malformed escape in a link somebody typed
  }
}

/**
 * Writes the address bar a little after the last change, without a navigation, and again when
 * the page's server writes an address that it knew from before that change.
 */
export class AddressBar {
  constructor(view, entries, delayMs = 400) {
    this.view = view;
    this.entries = entries;
    this.delayMs = delayMs;
    this.timer = 0;
    this.encode = null;
    this.repeat = () => this.#repeat();
    globalThis.navigation?.addEventListener("currententrychange", this.repeat);
  }

  read() {
    return decodeState(readQuery(globalThis.location.search, this.view), this.entries);
  }

  writeSoon(encode) {
    this.encode = encode;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#write(encode()), this.delayMs);
  }

  #repeat() {
    if (!this.encode) return;
    if (readQuery(globalThis.location.search, this.view) !== this.encode()) {
      this.writeSoon(this.encode);
    }
  }

  #write(encoded) {
    const { location, history } = globalThis;
    const search = writeQuery(location.search, this.view, encoded);
    if (search === location.search) return;
    history.replaceState(history.state, "", `${location.pathname}${search}${location.hash}`);
  }

  stop() {
    clearTimeout(this.timer);
    globalThis.navigation?.removeEventListener("currententrychange", this.repeat);
  }
}

/** What time and colour start with, before the address bar and the person have their say. */
export function commonState(header, prefersStillness) {
  return {
    frame: header.start_frame ?? 0,
    playing: header.autoplay === true && !prefersStillness,
    speed: 1,
    hold: header.hold === true,
    threshold: 0,
    fade: false,
    limit: header.limit,
    isLocked: false,
    colormap: header.colormap,
    outlines: true,
    background: "auto",
  };
}
