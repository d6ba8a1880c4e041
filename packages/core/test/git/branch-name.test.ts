import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBranchName } from "../../src/drivers/git/branch-name.js";
import { isFleetError } from "../../src/errors/index.js";

function ours(name: string): boolean {
  try {
    checkBranchName(name);
    return true;
  } catch (error) {
    if (!isFleetError(error, "INVALID_BRANCH") || error.hint === null) throw error;
    return false;
  }
}

function gits(name: string): boolean {
  return spawnSync("git", ["check-ref-format", "--branch", name], { stdio: "ignore" }).status === 0;
}

describe("a branch name", () => {
  it.each([
    "fix-auth",
    "feat/x",
    "a#(touch\u0024{IFS}x)",
    "$(id)",
    "it's",
    'say"hi"',
    "a;b",
    "🚀",
    "a@b",
    "x".repeat(200),
    "Ä/ö",
    "a.b",
    "refs/heads/x",
  ])("that git takes is taken: %s", (name) => {
    expect(gits(name)).toBe(true);
    expect(ours(name)).toBe(true);
  });

  it.each([
    "",
    "-x",
    "--force",
    "HEAD",
    "a b",
    "a..b",
    "a~b",
    "a^",
    "a:b",
    "a?",
    "a*",
    "a[b",
    "a\\b",
    "/a",
    "a/",
    "a//b",
    "a.",
    ".a",
    "a/.b",
    "a.lock",
    "a.lock/b",
    "a@{b",
    "a\nb",
    "a\u007f",
  ])("that git refuses is refused with a hint: %j", (name) => {
    expect(gits(name)).toBe(false);
    expect(ours(name)).toBe(false);
  });

  it("that git reads as HEAD everywhere else is refused, though git would make it", () => {
    expect(ours("@")).toBe(false);
  });

  it("too long for a file system is refused", () => {
    expect(ours("x".repeat(245))).toBe(false);
    expect(ours(Array.from({ length: 30 }, () => "x".repeat(40)).join("/"))).toBe(false);
  });

  it("is judged as git judges it, whatever it is made of", () => {
    const piece = fc.constantFrom(
      "a",
      "B",
      "/",
      ".",
      "..",
      "-",
      "@",
      "{",
      "@{",
      ".lock",
      "HEAD",
      " ",
      "~",
      "^",
      ":",
      "?",
      "*",
      "[",
      "\\",
      "\n",
      "é",
      "#",
      "$",
      "'",
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const name = pieces.join("");
        fc.pre(name !== "@");
        expect([name, ours(name)]).toEqual([name, gits(name)]);
      }),
      { numRuns: 400 },
    );
  });
});
