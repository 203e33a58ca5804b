// plotly.js, once a page: a plain script that the program's own server hands out.

/** Load it from a URL; the same promise for everybody. */
export function loadPlotly(url) {
  globalThis.__boldcastPlotly ??= new Promise((resolve, reject) => {
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
  return globalThis.__boldcastPlotly;
}
