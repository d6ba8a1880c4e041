import { describe, expect, it } from "vitest";
import { clean, cut, oneLine, pad, widthOf } from "../src/render/width.js";

describe("the width of text on a terminal", () => {
  it.each([
    ["plain", 5],
    ["日本語", 6],
    ["é", 1],
    ["e\u0301", 1],
    ["👩‍👩‍👧", 2],
    ["🚀", 2],
    ["한글", 4],
    ["", 0],
    ["●○✓✗", 4],
  ])("counts %s as %i columns", (text, columns) => expect(widthOf(text)).toBe(columns));

  it("never cuts a character in two and never exceeds the columns", () => {
    expect(cut("日本語ブランチ", 6)).toBe("日本…");
    expect(cut("👩‍👩‍👧👩‍👩‍👧", 3)).toBe("👩‍👩‍👧…");
    for (let columns = 0; columns < 12; columns++) expect(widthOf(cut("ab日本👩‍👩‍👧語cd", columns))).toBeLessThanOrEqual(columns);
  });

  it("pads by columns, not by characters", () => expect(pad("日本", 6)).toBe("日本  "));

  it("takes out what could move the cursor or change the title", () => {
    expect(clean("a\u001b[31mred\u001b[0m\u001b]0;title\u0007b\rc\nd")).toBe("aredb c d");
    expect(clean("a\nb\u001b[2J", { keepNewlines: true })).toBe("a\nb");
  });

  it("shows an error as one line that hides nothing and leaves out the middle of what is long", () => {
    expect(oneLine("No agent a\nb\u001b[2J\u202ec\r\n\td.\n")).toBe("No agent a\\nb\\u{1b}[2J\\u{202e}c\\n\\td.");
    expect(oneLine(`No agent ${"x".repeat(1_000_000)} is here.`)).toMatch(/^No agent x+ … x+ is here\.$/);
    expect(oneLine(`No agent ${"\u{1f680}\n".repeat(100_000)} is here.`).length).toBeLessThan(2000);
  });
});
