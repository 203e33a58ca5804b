// Where the cortex cannot be drawn: a still picture, a plain sentence, and the regions in words.

import { section } from "../../shared/wire.js";

export function showStill({ parts, controls, words }, header, payload, reason) {
  const picture = section(payload, header.fallback);
  const { fallback, canvas, message, messageText, time, root } = parts;
  const hasPicture = Boolean(picture || header.fallback_url);
  const rest = hasPicture ? "Here is a still picture instead." : "The strongest regions are listed below.";
  message.hidden = false;
  messageText.textContent = `${reason} ${rest}`;
  canvas.hidden = true;
  time.hidden = true;
  root.classList.add("bc-still");
  controls.setSequence(header);
  words.saySoon(header, 0);
  fallback.hidden = !hasPicture;
  if (!hasPicture) return;
  fallback.src = picture
    ? URL.createObjectURL(new Blob([picture], { type: "image/png" }))
    : new URL(header.fallback_url, document.baseURI).href;
  fallback.alt = header.footer;
}
