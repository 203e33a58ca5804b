// A PNG of exactly what is on the stage, with the colour bar and the footer that belong to it.

import { axisNumber } from "./colorbar.js";

const MARGIN = 16;
const FONT = "system-ui, sans-serif";
const STRIP = 96; // px below the stage
const LINE = 16;
const KEY = 104; // px beside the bar for what grey means

/** Compose on a 2D canvas. `drawing` must have been drawn in this very task. */
export function compose({ drawing, width, height, labels, colors, header, state, lut, when, note }) {
  const scale = drawing.width / width;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const room = width - 2 * MARGIN;
  context.font = `12px ${FONT}`;
  const notes = brokenLines(note ?? "", room, (text) => context.measureText(text).width);
  canvas.width = drawing.width;
  canvas.height = Math.round((height + STRIP + LINE * notes.length) * scale);
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colors.ground;
  context.fillRect(0, 0, canvas.width, height * scale);
  context.drawImage(drawing, 0, 0);
  context.scale(scale, scale);
  context.fillStyle = colors.labels;
  drawLabels(context, labels);
  context.fillStyle = colors.ink;
  drawBar(context, header, state, lut, height + 12, Math.min(360, room - KEY));
  context.font = `12px ${FONT}`;
  context.textAlign = "left";
  const limits = state.threshold > 0 ? ` · ${state.fade ? "faded" : "hidden"} below ${axisNumber(state.threshold)}` : "";
  context.fillText(`${when}${limits}`, MARGIN, height + 66, room);
  context.fillText([header.footer, header.badge].filter(Boolean).join(" · "), MARGIN, height + 84, room);
  notes.forEach((line, i) => context.fillText(line, MARGIN, height + 84 + LINE * (i + 1), room));
  return canvas;
}

/** Text in lines no wider than `room`; measure(text) -> width. */
export function brokenLines(text, room, measure) {
  const lines = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && measure(longer) <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Letters strong, words beside them plain, as on the stage. */
function drawLabels(context, labels) {
  for (const { side, words, x, y, isRight } of labels) {
    context.textAlign = isRight ? "right" : "left";
    context.font = `700 15px ${FONT}`;
    context.fillText(side, x, y);
    const from = side ? x + context.measureText(side).width + 5 : x;
    context.font = `12px ${FONT}`;
    context.fillText(words, from, y);
  }
}

function drawBar(context, header, state, lut, top, width) {
  const ink = context.fillStyle;
  for (let i = 0; i < width; i++) {
    const share = i / width;
    const at = Math.min(255, Math.floor(share * 256)) * 3;
    const size = header.is_signed ? Math.abs(share * 2 - 1) : share;
    const isHidden = size * state.limit < state.threshold;
    context.fillStyle = isHidden
      ? "rgb(178,176,172)"
      : `rgb(${lut[at]},${lut[at + 1]},${lut[at + 2]})`;
    context.fillRect(MARGIN + i, top, 1.3, 11);
  }
  context.fillStyle = ink;
  context.font = `12px ${FONT}`;
  const low = header.is_signed ? -state.limit : 0;
  const clipped = [header.minimum < low - 1e-9, header.maximum > state.limit + 1e-9];
  const texts = [
    [`${clipped[0] ? "≤ " : ""}${axisNumber(low)}`, MARGIN, "left"],
    [header.is_signed ? `0 ${header.units}` : header.units, MARGIN + width / 2, "center"],
    [`${clipped[1] ? "≥ " : ""}${axisNumber(state.limit)}`, MARGIN + width, "right"],
  ];
  for (const [text, x, align] of texts) {
    context.textAlign = align;
    context.fillText(text, x, top + 27);
  }
  context.fillStyle = "rgb(121,129,142)";
  context.fillRect(MARGIN + width + 14, top, 11, 11);
  context.fillStyle = ink;
  context.textAlign = "left";
  context.fillText(header.missing, MARGIN + width + 30, top + 10);
}

/** Hand a canvas to the person as a file. */
export function download(canvas, name) {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
}

/**
 * Save the stage of a viewer, whose canvas was drawn in this very task; returns the composed
 * canvas. labels: {side, words, x, y, isRight} on the stage; note: a sentence below the footer.
 */
export function savePicture({ parts, player, header, state, lut, view }, drawing, labels, note) {
  const { stage, when, root } = parts;
  const page = getComputedStyle(root);
  const picture = compose({
    drawing,
    width: stage.clientWidth,
    height: stage.clientHeight,
    labels,
    colors: {
      paper: page.getPropertyValue("--bc-paper").trim() || "#ffffff",
      ground: getComputedStyle(stage).backgroundColor,
      ink: page.color,
      labels: getComputedStyle(parts.labels).color,
    },
    header,
    state,
    lut,
    when: header.n_frames > 1 ? `${when.textContent} · ${when.title}` : header.row_labels[0],
    note,
  });
  download(picture, `boldcast-${view}-${player.nearest() + 1}.png`);
  return picture;
}
