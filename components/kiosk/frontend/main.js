// Door from Streamlit: a row of pictures to touch, and the question "Still there?".

import { IdleClock } from "./idle.js";

const TOUCHES = ["pointerdown", "keydown", "wheel"];
const rows = new WeakMap();

/** Show `component.data`; returns the function that ends it. */
export function mount({ data, parentElement, setTriggerValue }) {
  let row = rows.get(parentElement);
  if (row === undefined) {
    row = new TileRow(parentElement);
    rows.set(parentElement, row);
  }
  row.update(data, setTriggerValue);
  return () => {
    row.dispose();
    rows.delete(parentElement);
  };
}

class TileRow {
  constructor(root) {
    this.list = root.querySelector(".tiles");
    this.list.setAttribute("role", "group");
    this.list.setAttribute("aria-label", "Pictures");
    this.onTouch = () => {
      this.closePrompt();
      this.clock?.touch();
    };
    for (const kind of TOUCHES) window.addEventListener(kind, this.onTouch, { passive: true });
  }

  update(data, setTriggerValue) {
    this.closePrompt();
    this.choose = (id) => setTriggerValue("chosen", id);
    this.list.replaceChildren(...data.tiles.map((tile) => this.button(tile, data.chosen)));
    this.clock?.stop();
    this.clock = new IdleClock({
      promptS: data.prompt_s,
      idleS: data.idle_s,
      onPrompt: () => this.openPrompt(data.idle_s - data.prompt_s),
      onIdle: () => {
        this.closePrompt();
        this.choose(data.home);
      },
    });
    if (data.chosen !== data.home) this.clock.start();
  }

  button({ id, label, picture }, chosen) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(id === chosen));
    const image = document.createElement("img");
    image.src = picture;
    image.alt = "";
    const words = document.createElement("span");
    words.textContent = label;
    button.append(image, words);
    button.addEventListener("click", () => this.choose(id));
    return button;
  }

  openPrompt(secondsLeft) {
    this.prompt = document.createElement("div");
    this.prompt.className = "prompt";
    this.prompt.setAttribute("role", "alert");
    const question = document.createElement("strong");
    question.textContent = "Still there?";
    const words = document.createElement("span");
    words.textContent = `Touch anywhere to stay. Starting over in ${Math.round(secondsLeft)} seconds.`;
    this.prompt.append(question, words);
    this.list.after(this.prompt);
  }

  closePrompt() {
    this.prompt?.remove();
    this.prompt = undefined;
  }

  dispose() {
    for (const kind of TOUCHES) window.removeEventListener(kind, this.onTouch);
    this.clock?.stop();
    this.closePrompt();
  }
}
