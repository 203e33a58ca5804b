// Where the cortex cannot be drawn: a still picture, a plain sentence, and the regions in words.

import { section } from "./wire.js";

export function showStill({ parts, controls, words }, header, payload, reason) {
  const picture = section(payload, header.fallback);
  const { fallback, canvas, message, messageText, time, root } = parts;
  const rest = picture ? "Here is a still picture instead." : "The strongest regions are listed below.";
  message.hidden = false;
  messageText.textContent = `${reason} ${rest}`;
  canvas.hidden = true;
  time.hidden = true;
  root.classList.add("bc-still");
  controls.setSequence(header);
  words.saySoon(header, 0);
  fallback.hidden = !picture;
  if (!picture) return;
  fallback.src = URL.createObjectURL(new Blob([picture], { type: "image/png" }));
  fallback.alt = header.footer;
}
