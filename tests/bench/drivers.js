// How the bench plays each viewer once it is on the page; needs gl_probe.js.
// Every driver has: show(frame) -> milliseconds until its pixels are ready; play(seconds) ->
// what was drawn; state() -> camera and frame as text.
(() => {
  const probe = window.glProbe;

  /** Resolve at the end of the task that draws the mesh next. */
  const nextMeshTask = async (since) => {
    while (probe.meshTasks === since) await new Promise((resolve) => requestAnimationFrame(resolve));
  };

  const plotly = {
    get chart() {
      return document.querySelector(".js-plotly-plot");
    },
    button(label) {
      const buttons = [...this.chart.querySelectorAll(".updatemenu-button")];
      return buttons.find((button) => button.textContent.includes(label));
    },
    animate(label) {
      const done = new Promise((resolve) => this.chart.once("plotly_animated", resolve));
      this.button(label).dispatchEvent(new MouseEvent("click", { bubbles: true }));
      return done;
    },
    async show(frame) {
      this.chart._fullLayout.updatemenus[0].buttons[0].args[0] = [String(frame)];
      const [before, started] = [probe.meshTasks, performance.now()];
      await this.animate("Step");
      await nextMeshTask(before); // sometimes drawn after the promise
      probe.finish(probe.gl);
      return performance.now() - started;
    },
    async play() {
      const [before, started] = [probe.meshTasks, performance.now()];
      await this.animate("Play");
      const wall_ms = performance.now() - started;
      return { wall_ms, drawn: probe.meshTasks - before };
    },
    box() {
      return this.chart._fullLayout.scene._scene.glplot.canvas.getBoundingClientRect().toJSON();
    },
    prepare() {
      return probe.canvas(probe.gl);
    },
    state() {
      const { eye, up } = this.chart._fullLayout.scene._scene.getCamera();
      const round = (vector) => Object.values(vector).map((value) => value.toFixed(3)).join(" ");
      return {
        camera: `${round(eye)} / ${round(up)}`,
        frame: String(this.chart._fullLayout._currentFrame),
        first_value: String(this.chart._fullData[0].intensity[0]),
      };
    },
  };

  window.benchDrivers = { plotly };
})();
