// How the bench plays each viewer once it is on the page; needs gl_probe.js.
// Every driver has: show(frame) -> milliseconds until its pixels are ready; play(seconds) ->
// what was drawn; state() -> camera and frame as text.
(() => {
  const probe = window.glProbe;

  /** Resolve at the end of the task that draws the mesh next. */
  const nextMeshTask = async (since) => {
    const deadline = performance.now() + 60000;
    while (probe.meshTasks === since) {
      if (performance.now() > deadline) throw new Error("The mesh was not drawn for a minute.");
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
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
    /** Sizes are the figure's own; plotly always draws with 4 samples. */
    async prepare() {
      await this.show(0);
      return { ...probe.canvas(probe.gl), covered: probe.coverage(probe.gl) };
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

  const ours = {
    get viewer() {
      return globalThis.__boldcast.viewers.get("brain");
    },
    box() {
      return this.viewer.parts.canvas.getBoundingClientRect().toJSON();
    },
    /**
     * As many pixels and samples as plotly's canvas has, whatever the speed. Region outlines,
     * which plotly has none of, only where asked for.
     */
    async prepare(width, height, { layout = "dorsal", outlines = false } = {}) {
      const { viewer } = this;
      if (viewer.state.layout !== layout) viewer.setLayout(layout);
      viewer.set({ outlines });
      viewer.parts.stage.style.width = `${width}px`;
      viewer.parts.stage.style.height = `${height}px`;
      viewer.quality.override = { dpr: 1, samples: 4 };
      viewer.loop.ask();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      this.show(0);
      const { samples } = viewer.renderer.antialiased;
      const { gl } = viewer.renderer;
      return { ...probe.canvas(gl), samples, covered: probe.coverage(gl) };
    },
    show(frame) {
      const { viewer } = this;
      const started = performance.now();
      viewer.player.setPlaying(false);
      viewer.player.goTo(frame);
      cancelAnimationFrame(viewer.loop.request);
      viewer.loop.tick(performance.now());
      probe.finish(viewer.renderer.gl);
      return performance.now() - started;
    },
    async play(seconds) {
      const { viewer } = this;
      viewer.setPlaying(true);
      await nextMeshTask(probe.meshTasks);
      const [before, started] = [probe.meshTasks, performance.now()];
      while (performance.now() - started < seconds * 1000) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      probe.finish(viewer.renderer.gl);
      const played = { wall_ms: performance.now() - started, drawn: probe.meshTasks - before };
      const { width, height } = probe.canvas(probe.gl);
      played.canvas = `${width}x${height}, ${viewer.quality.size.samples} samples`;
      viewer.setPlaying(false);
      return played;
    },
    state() {
      const { state, player, readings } = this.viewer;
      const { rotation, zoom, pan, layout } = state;
      const round = (values) => values.map((value) => value.toFixed(3)).join(" ");
      return {
        camera: `${layout} ${round(rotation)} / ${zoom.toFixed(3)} / ${round(pan)}`,
        frame: player.clock.toFixed(3),
        first_value: String(readings.at(0, 0).value),
      };
    },
  };

  window.benchDrivers = { plotly, ours };
})();
