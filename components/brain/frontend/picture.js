// A PNG of exactly what is on the stage, with the colour bar and the footer that belong to it.

import { axisNumber } from "./colorbar.js";
import { labelTexts } from "./labels.js";

const MARGIN = 16;
const FONT = "system-ui, sans-serif";
const STRIP = 96; // px below the stage

/** Compose on a 2D canvas. `brain` must have been drawn in this very task. */
export function compose({ brain, width, height, labels, colors, header, state, lut, when }) {
  const scale = brain.width / width;
  const canvas = document.createElement("canvas");
  canvas.width = brain.width;
  canvas.height = Math.round((height + STRIP) * scale);
  const context = canvas.getContext("2d");
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colors.ground;
  context.fillRect(0, 0, canvas.width, height * scale);
  context.drawImage(brain, 0, 0);
  context.scale(scale, scale);
  context.fillStyle = colors.labels;
  context.font = `600 14px ${FONT}`;
  for (const { text, x, y, isRight } of labels) {
    context.textAlign = isRight ? "right" : "left";
    context.fillText(text, x, y);
  }
  context.fillStyle = colors.ink;
  drawBar(context, header, state, lut, height + 12, Math.min(360, width - 2 * MARGIN));
  context.font = `12px ${FONT}`;
  context.textAlign = "left";
  const room = width - 2 * MARGIN;
  const limits = state.threshold > 0 ? ` · ${state.fade ? "faded" : "hidden"} below ${axisNumber(state.threshold)}` : "";
  context.fillText(`${when}${limits}`, MARGIN, height + 66, room);
  context.fillText([header.footer, header.badge].filter(Boolean).join(" · "), MARGIN, height + 84, room);
  return canvas;
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

/** Draw once more, sharp, and save the stage of a viewer; returns the composed canvas. */
export function savePicture({ parts, quality, renderer, scene, player, style, header, state, lut, view }) {
  const { stage, canvas, when, root } = parts;
  const width = stage.clientWidth;
  const height = stage.clientHeight;
  renderer.draw(scene.panels, player.mix(), style, quality.next(width, height, false));
  const page = getComputedStyle(root);
  const picture = compose({
    brain: canvas,
    width,
    height,
    labels: labelTexts(scene.panels),
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
  });
  download(picture, `boldcast-${view}-${player.nearest() + 1}.png`);
  return picture;
}
