// Messages from Python: decoding, loading the mesh they name, handing everything to the parts.

import { decodeMessage } from "../../shared/wire.js";
import { loadMesh, outlinesOf, withOwnLabels } from "./mesh.js";
import { modelledVertices } from "./scene.js";
import { firstState, shapePairOf } from "./state.js";
import { showStill } from "./still.js";

export class Intake {
  constructor(viewer) {
    this.viewer = viewer;
    this.wanted = null;
  }

  async update(bytes) {
    const { viewer } = this;
    viewer.stats.calls++;
    const { header, payload } = decodeMessage(bytes);
    if (header.id === this.wanted) return;
    this.wanted = header.id;
    if (!viewer.renderer) {
      showStill(viewer, header, payload, "This browser cannot draw in 3D (no WebGL2).");
      return;
    }
    let mesh;
    try {
      mesh = await loadMesh(new URL(header.mesh, document.baseURI).href);
    } catch (error) {
      showStill(viewer, header, payload, error.message);
      return;
    }
    if (header.id !== this.wanted || viewer.loop.isStopped) return;
    this.#take(this.#labelled(mesh, header, payload), header, payload);
  }

  /** The mesh with the message's own labels, if any; the same object while they stay. */
  #labelled(mesh, header, payload) {
    if (!header.own_labels) return mesh;
    const { viewer } = this;
    const isSame = viewer.mesh?.base === mesh && viewer.header.atlas === header.atlas;
    return isSame ? viewer.mesh : withOwnLabels(mesh, header, payload);
  }

  #take(mesh, header, payload) {
    const { viewer } = this;
    const before = viewer.header;
    const isNewMesh = mesh !== viewer.mesh || header.atlas !== before?.atlas;
    const isOtherBrain = before !== null && header.space !== before.space;
    // Other labels of the same kind leave the framing as it is.
    const isReframed = isNewMesh && (isOtherBrain || !(header.own_labels && before?.own_labels));
    Object.assign(viewer, { mesh, header, payload });
    viewer.parts.message.hidden = true;
    viewer.readings.setSequence(mesh, header);
    this.upload(isNewMesh || String(header.regions) !== String(before.regions));
    if (isReframed) this.#frameMesh();
    if (isOtherBrain) viewer.pointing.setPin(-1);
    viewer.player.setSequence(header.n_frames, header.frame_rate_hz);
    viewer.showSequence(payload);
    const isStill = viewer.prefersStillness.matches;
    viewer.defaults = firstState(header, mesh, viewer.hasFocus, isStill);
    if (before === null) this.#firstState(isStill);
    else this.#keepState(before, isNewMesh);
    viewer.apply();
    viewer.relayout(true); // on the screen first, sharp a moment later
  }

  /** Send to the graphics card what it does not have. */
  upload(isNewMesh) {
    const { renderer, mesh, header, payload, readings } = this.viewer;
    if (isNewMesh) {
      renderer.setMesh(mesh, header.atlas, outlinesOf(mesh, header));
    }
    renderer.setValues(header, payload);
    readings.codes = renderer.values.codes;
    this.viewer.lutName = null;
  }

  /** Which part of the cortex is framed large: decided once a mesh, so that new data stay put. */
  #frameMesh() {
    const { viewer } = this;
    const { mesh, header, readings } = viewer;
    const isModelled = (frame, side, vertex) => readings.isModelled(frame, side, vertex);
    const focus = modelledVertices(mesh, header, isModelled);
    viewer.hasFocus = focus !== null;
    viewer.scene.setMesh(mesh, focus);
    viewer.controls.setMesh(mesh, viewer.hasFocus);
  }

  /** First data: what the address bar asks for, over the defaults. */
  #firstState(isStill) {
    const { viewer } = this;
    const state = { ...viewer.defaults, ...viewer.address?.read() };
    const isKnown = (name) => viewer.controls.hasLayout(name);
    if (!isKnown(state.layout)) state.layout = viewer.defaults.layout;
    Object.assign(state, shapePairOf(viewer.mesh, state));
    viewer.state = state;
    viewer.startTime(state, isStill);
  }

  /** New data: camera, layout and time stay; colours as StageView says. */
  #keepState(before, isNewMesh) {
    const { viewer } = this;
    const { state, defaults } = viewer;
    viewer.keepColours(before);
    if (isNewMesh) Object.assign(state, shapePairOf(viewer.mesh, state));
    if (!viewer.controls.hasLayout(state.layout)) state.layout = defaults.layout;
  }
}
