// plotly.js, once a page: a plain script that the program's own server hands out.

const PATIENCE_MS = 1000;

/** It is large: what comes first on a page, such as a brain, is drawn first. */
const idle = () =>
  new Promise((resolve) => {
    if (globalThis.requestIdleCallback) requestIdleCallback(resolve, { timeout: PATIENCE_MS });
    else setTimeout(resolve, PATIENCE_MS / 5);
  });

/** Load it from a URL; the same promise for everybody. */
export function loadPlotly(url) {
  globalThis.__boldcastPlotly ??= idle().then(() => load(url));
  return globalThis.__boldcastPlotly;
}

function load(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(url, document.baseURI).href;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => {
      globalThis.__boldcastPlotly = undefined; // the next view may have more luck
      script.remove();
      reject(new Error("plotly.js could not be loaded."));
    };
    document.head.append(script);
  });
}
