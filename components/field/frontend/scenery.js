// What lies under and over the dots: the picture, its frame, the rings, the hovered field.

import { circlePoints, rectanglePoints, ringsOf, tracePath } from "./place.js";

/** Draws picture, veil, picture frame, meridians and rings. */
export function drawScenery(context, scale, { picture, extent, frame, isVeiled, look }) {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  if (picture && scale.isLinear) {
    const [left, right, bottom, top] = extent;
    const x = scale.toX(left, top);
    const y = scale.toY(left, top);
    context.drawImage(picture, x, y, scale.toX(right, bottom) - x, scale.toY(right, bottom) - y);
    if (isVeiled) {
      context.globalAlpha = 0.3;
      context.fillStyle = look.background;
      context.fillRect(0, 0, width, height);
      context.globalAlpha = 1;
    }
  }
  const isOverPicture = Boolean(picture) && scale.isLinear;
  drawGrid(context, scale, isOverPicture, look);
  if (frame) {
    tracePath(context, scale, rectanglePoints(frame));
    context.setLineDash([5 * look.pixelRatio, 4 * look.pixelRatio]);
    line(context, isOverPicture, look, 1.2);
    context.setLineDash([]);
  }
}

function drawGrid(context, scale, isOverPicture, look) {
  const { x, y } = scale.middle;
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, scale.edge);
  context.moveTo(0, y);
  context.lineTo(scale.edge, y);
  line(context, isOverPicture, look, 0.8, 0.5);
  const rings = ringsOf(scale);
  for (const degrees of rings) {
    context.beginPath();
    context.arc(x, y, scale.radius(degrees), 0, 2 * Math.PI);
    line(context, isOverPicture, look, 0.9, 0.75);
  }
}

/** Ring labels lie above the dots, on the lower right diagonal. */
export function drawRingLabels(context, scale, look) {
  context.font = `${11 * look.pixelRatio}px ${look.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  for (const degrees of ringsOf(scale)) {
    const offset = scale.radius(degrees) * Math.SQRT1_2;
    const x = scale.middle.x + offset;
    const y = scale.middle.y + offset;
    if (x > scale.edge - 12 * look.pixelRatio || y > scale.edge - 8 * look.pixelRatio) continue;
    context.lineWidth = 4 * look.pixelRatio;
    context.strokeStyle = look.background;
    context.strokeText(`${degrees}°`, x, y);
    context.fillStyle = look.text;
    context.fillText(`${degrees}°`, x, y);
  }
}

/** Circle of a receptive field's size and a ring around its dot. */
export function drawHighlight(context, scale, { x, y, size, colour }, look) {
  if (size > 0) {
    tracePath(context, scale, circlePoints(x, y, size));
    context.globalAlpha = 0.22;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
    line(context, true, look, 1.6);
  }
  context.beginPath();
  context.arc(scale.toX(x, y), scale.toY(x, y), look.radius + 1.5 * look.pixelRatio, 0, 2 * Math.PI);
  line(context, true, look, 2.2);
}

/** Strokes the current path; over a picture with a dark line and its light twin, seen on any. */
function line(context, isOverPicture, look, width, alpha = 1) {
  const ratio = look.pixelRatio;
  if (!isOverPicture) {
    context.globalAlpha = 0.28 * alpha;
    context.strokeStyle = look.text;
    context.lineWidth = width * ratio;
    context.stroke();
    context.globalAlpha = 1;
    return;
  }
  context.globalAlpha = 0.45 * alpha;
  context.strokeStyle = "#000";
  context.lineWidth = (width + 1.2) * ratio;
  context.stroke();
  context.globalAlpha = 0.85 * alpha;
  context.strokeStyle = "#fff";
  context.lineWidth = width * ratio;
  context.stroke();
  context.globalAlpha = 1;
}
