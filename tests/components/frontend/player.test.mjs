import assert from "node:assert/strict";
import test from "node:test";
import { Player } from "../../../components/shared/player.js";

const player = (count = 4, rate = 2) => {
  const one = new Player();
  one.setSequence(count, rate);
  return one;
};

test("plays at its rate and wraps from the last frame to the first", () => {
  const one = player();
  one.setPlaying(true);
  one.advance(1.75);
  assert.equal(one.position(), 3.5);
  assert.deepEqual(one.mix(), { a: 3, b: 0, between: 0.5 });
  one.advance(0.25);
  assert.deepEqual(one.mix(), { a: 0, b: 0, between: 0 });
});

test("speed multiplies", () => {
  const one = player();
  one.speed = 0.5;
  one.advance(1);
  assert.equal(one.position(), 1);
});

test("pausing rests on a predicted frame", () => {
  const one = player();
  one.setPlaying(true);
  one.advance(0.9);
  one.setPlaying(false);
  assert.equal(one.position(), 2);
});

test("holding shows a frame as predicted for most of its time", () => {
  const one = player(2, 1);
  one.hold = true;
  one.setPlaying(true);
  one.advance(0.6);
  assert.equal(one.mix().between, 0);
  one.advance(0.3);
  assert.ok(one.mix().between > 0.5);
});

test("steps go to the neighbouring real frame, round the ends", () => {
  const one = player();
  one.goTo(1.4);
  one.step(1);
  assert.equal(one.position(), 2);
  one.goTo(1.4);
  one.step(-1);
  assert.equal(one.position(), 1);
  one.goTo(0);
  one.step(-1);
  assert.equal(one.position(), 3);
});

test("a shorter sequence keeps the position as far as it fits; one frame never plays", () => {
  const one = player(10);
  one.goTo(7);
  one.setSequence(5, 2);
  assert.equal(one.position(), 4);
  one.setSequence(1, 2);
  one.setPlaying(true);
  assert.equal(one.playing, false);
});
