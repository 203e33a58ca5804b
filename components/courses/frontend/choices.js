// Buttons over the courses: one a line, and how much of the time axis is shown.

export class Chips {
  /** choose(name): a line was pressed. */
  constructor(node, choose) {
    this.node = node;
    node.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) choose(button.dataset.name);
    });
  }

  set(lines, chosen) {
    this.node.replaceChildren(...lines.map(chip));
    this.choose(chosen);
  }

  choose(chosen) {
    [...this.node.children].forEach((button, n) => {
      button.setAttribute("aria-pressed", String(n === chosen));
      button.classList.toggle("bc-faint", chosen >= 0 && n !== chosen);
    });
  }
}

function chip({ name, label, color, dash, is_low: isLow, is_modelled: isModelled }) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.name = name;
  const swatch = document.createElement("i");
  swatch.style.borderTop = `${isLow ? 1.5 : 3}px ${dash === "dot" ? "dotted" : dash === "dash" ? "dashed" : "solid"} ${color}`;
  const words = document.createElement("span");
  const remarks = [isModelled ? "" : "not modelled", isLow ? "low confidence" : ""].filter(Boolean);
  words.textContent = label + (remarks.length ? ` (${remarks.join(", ")})` : "");
  button.append(swatch, words);
  return button;
}

const SPANS = [
  [0, "Whole"],
  [60, "60 s"],
  [20, "20 s"],
];

export class Spans {
  /** show(span): another part of the axis, in s; 0 for all. */
  constructor(node, show) {
    this.node = node;
    node.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      this.#press(Number(button.dataset.span));
      show(Number(button.dataset.span));
    });
    node.replaceChildren(...SPANS.map(([span, words]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.span = span;
      button.textContent = words;
      return button;
    }));
  }

  /** Only parts that are shorter than the whole are offered. */
  set(length, span) {
    for (const button of this.node.children) button.hidden = Number(button.dataset.span) >= length;
    this.node.hidden = length <= SPANS.at(-1)[0];
    this.#press(span);
  }

  #press(span) {
    for (const button of this.node.children)
      button.setAttribute("aria-pressed", String(Number(button.dataset.span) === span));
  }
}
