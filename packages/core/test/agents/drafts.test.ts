import { describe, expect, it } from "vitest";
import { claude } from "../../src/agents/claude.js";
import { unstyled } from "../../src/engine/styled.js";
import { evidenceOf } from "./support/evidence.js";

const RULE = `\u001b[38;5;244m${"─".repeat(60)}`;
const claudeShows = (input: readonly string[], footer: string) => {
  const styled = { lines: ["● Done.", RULE, ...input, `\u001b[0m\u001b[38;5;244m\u001b[49m${"─".repeat(60)}`, footer] };
  return { ...evidenceOf([]), screen: unstyled(styled), styled };
};
const AUTO = "\u001b[39m  \u001b[38;5;220m⏵⏵ auto mode on\u001b[38;5;246m (shift+tab to cycle)\u001b[39m";

describe("a draft in Claude Code", () => {
  it("is what was typed, also over several lines and in a mode that shows no shortcuts", () => {
    expect(claude.draft?.(claudeShows(["\u001b[39m❯ half a thought\u001b[7m"], AUTO))).toBe(true);
    expect(claude.draft?.(claudeShows(["\u001b[39m❯ \u001b[7mh\u001b[27malf a thought"], AUTO))).toBe(true);
    expect(claude.draft?.(claudeShows(["\u001b[39m❯ ", "  and a second line\u001b[7m \u001b[0m"], AUTO))).toBe(true);
  });

  it("is not what the program proposes, nor an empty input", () => {
    expect(claude.draft?.(claudeShows(["\u001b[39m❯ \u001b[7m"], AUTO))).toBe(false);
    expect(claude.draft?.(claudeShows(['\u001b[39m❯ \u001b[7mT\u001b[27m\u001b[2mry "fix the login"\u001b[22m'], AUTO))).toBe(false);
    expect(claude.draft?.(claudeShows(["\u001b[39m❯\u00a0\u001b[0;7mn\u001b[0;2mow the tests\u001b[0m"], AUTO))).toBe(false);
  });

  it("is no matter of colours that hold the number of a style", () => {
    expect(claude.draft?.(claudeShows(["\u001b[38;5;2m❯ half\u001b[48;2;7;2;7m a thought\u001b[7m"], AUTO))).toBe(true);
  });
});
