// What a person set in the viewer <-> the page's `view=` parameter; pure but for the last part.
//
// view=images~l.four~t.3*other~l.flat : one part a viewer, joined by "*"; entries joined by "~";
// an entry is a letter, a dot and its value. Only what differs from the defaults is written.

const round = (digits) => (number) => String(Number(number.toFixed(digits)));
const text = { write: String, read: (value) => (/^[\w.-]{1,40}$/.test(value) ? value : undefined) };
const flag = { write: (value) => (value ? "1" : "0"), read: (value) => value === "1" };
const number = (digits, low, high) => ({
  write: round(digits),
  read(value) {
    const parsed = Number(value);
    return value !== "" && parsed >= low && parsed <= high ? parsed : undefined;
  },
});
const list = (length, digits, low, high) => ({
  write: (values) => values.map(round(digits)).join(","),
  read(value) {
    const parsed = value.split(",").map(Number);
    const isGood = parsed.length === length && parsed.every((one) => one >= low && one <= high);
    return isGood ? parsed : undefined;
  },
});

const ENTRIES = {
  layout: ["l", text],
  rotation: ["q", list(4, 4, -1, 1)],
  zoom: ["z", number(3, 0.2, 12)],
  pan: ["p", list(2, 3, -3, 3)],
  from: ["f", text],
  to: ["s", text],
  mixing: ["i", number(3, 0, 1)],
  frame: ["t", number(2, 0, 1e6)],
  playing: ["r", flag],
  speed: ["v", number(2, 0.1, 8)],
  hold: ["h", flag],
  threshold: ["c", number(6, 0, 1e9)],
  fade: ["m", flag],
  limit: ["x", number(6, 1e-9, 1e9)],
  isLocked: ["k", flag],
  colormap: ["a", text],
  underlay: ["u", number(2, 0, 1)],
  outlines: ["o", flag],
  background: ["b", text],
};

/** Entries of `state` that differ from `defaults`, as text; "" where none does. */
export function encodeState(state, defaults) {
  const parts = [];
  for (const [name, [letter, { write }]] of Object.entries(ENTRIES)) {
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
export function decodeState(encoded) {
  const byLetter = new Map(
    Object.entries(ENTRIES).map(([name, [letter, { read }]]) => [letter, { name, read }]),
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
  constructor(view, delayMs = 400) {
    this.view = view;
    this.delayMs = delayMs;
    this.timer = 0;
    this.encode = null;
    this.repeat = () => this.#repeat();
    globalThis.navigation?.addEventListener("currententrychange", this.repeat);
  }

  read() {
    return decodeState(readQuery(globalThis.location.search, this.view));
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
