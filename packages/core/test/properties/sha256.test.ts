import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "../../src/model/index.js";

const expected = (text: string) => createHash("sha256").update(text).digest("hex");

it("names and marks are hashed as everybody else hashes them", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => sha256(text) === expected(text)));
});

it("so are texts that just fill a block, or just do not", () => {
  for (const length of [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128]) {
    const text = "x".repeat(length);
    expect(sha256(text)).toBe(expected(text));
  }
  expect(sha256("\ud800")).toBe(expected("\ud800"));
});
