// Door from Streamlit: a square of similarities, and both pictures of the cell under the pointer.

import { bytesOf, cellAt, coloursOf, moved, rowGroups, wordsOf } from "./cells.js";

/** Called at the first and at every changed data; returns what to do on unmount. */
export function streamlitMount({ parentElement, data }) {
  const root = parentElement.querySelector(".matrix");
  root.boldcastMatrix ??= new Matrix(root);
  root.boldcastMatrix.update(data);
  return () => {
    root.replaceChildren();
    root.boldcastMatrix = null;
  };
}

function element(kind, name, text = "") {
  const one = document.createElement(kind);
  one.className = name;
  one.textContent = text;
  return one;
}

class Matrix {
  constructor(root) {
    this.labels = element("div", "labels");
    this.square = element("div", "square");
    this.canvas = element("canvas", "cells");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute(
      "aria-label",
      "Similarity of every pattern with every picture. Arrow keys move from cell to cell.",
    );
    this.mark = element("div", "mark");
    this.mark.hidden = true;
    this.square.append(this.canvas, this.mark);
    this.pattern = element("span", "picture");
    this.picture = element("span", "picture");
    this.words = element("p", "words");
    this.words.setAttribute("aria-live", "polite");
    const readout = element("div", "readout");
    readout.append(this.pattern, this.picture, this.words);
    const stage = element("div", "stage");
    stage.append(this.labels, this.square);
    root.replaceChildren(stage, readout);
    const point = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const { rows, n } = this.data;
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      this.show(cellAt(x, y, box.width, rows.length, n));
    };
    this.canvas.addEventListener("pointermove", point);
    this.canvas.addEventListener("pointerdown", point);
    this.canvas.addEventListener("keydown", (event) => {
      const cell = moved(this.cell, event.key, this.data.rows.length, this.data.n);
      if (!cell) return;
      event.preventDefault();
      this.show(cell);
    });
  }

  update(data) {
    if (data.codes === this.data?.codes && data.sprite === this.data?.sprite) return;
    this.data = data;
    this.codes = bytesOf(data.codes);
    const [nRows, n] = [data.rows.length, data.n];
    [this.canvas.width, this.canvas.height] = [n, nRows];
    this.square.style.aspectRatio = `${n} / ${nRows}`;
    const image = new ImageData(coloursOf(this.codes, bytesOf(data.lut)), n, nRows);
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    this.#label(data);
    this.cell = null;
    this.mark.hidden = true;
    for (const place of [this.pattern, this.picture]) {
      place.style.backgroundImage = `url(${data.sprite})`;
      place.style.width = place.style.height = `${data.thumbnail_px}px`;
      place.hidden = true;
    }
    this.words.textContent =
      "Point at a cell: row = pattern of activity, column = picture. The diagonal is right.";
  }

  #label({ groups, rows, n }) {
    this.square.querySelectorAll(".line").forEach((line) => line.remove());
    const named = rowGroups(groups, rows);
    const names = named.map(([name, first, behind]) => {
      const label = element("span", "group", name);
      label.style.top = `${((first + behind) / 2 / rows.length) * 100}%`;
      return label;
    });
    this.labels.replaceChildren(...names);
    this.#lines(named, "top", rows.length);
    this.#lines(groups, "left", n);
  }

  #lines(groups, side, count) {
    for (const [, first] of groups.slice(1)) {
      const line = element("div", `line ${side}`);
      line.style[side] = `${(first / count) * 100}%`;
      this.square.append(line);
    }
  }

  show(cell) {
    if (!cell) return;
    this.cell = cell;
    const { rows, n, thumbnail_px: size } = this.data;
    const words = wordsOf(this.data, this.codes, cell);
    for (const [place, index] of [
      [this.pattern, rows[cell.row]],
      [this.picture, cell.column],
    ]) {
      place.hidden = false;
      place.style.backgroundPosition = `${-index * size}px 0`;
    }
    this.words.textContent =
      `Pattern of ${words.pattern} with picture ${words.picture}: ` +
      words.score +
      (words.isRight ? " (the right picture)" : "");
    Object.assign(this.mark.style, {
      left: `${(cell.column / n) * 100}%`,
      top: `${(cell.row / rows.length) * 100}%`,
      width: `${100 / n}%`,
      height: `${100 / rows.length}%`,
    });
    this.mark.hidden = false;
  }
}
