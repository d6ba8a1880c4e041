import type { ListedAgent } from "@aifleet/core";
import { describe, expect, it } from "vitest";
import { agentJson } from "../src/render/agent.js";
import { painter } from "../src/render/color.js";
import { renderList, summary } from "../src/render/list.js";
import { widthOf } from "../src/render/width.js";

const NOW = Date.parse("2030-01-01T12:00:00Z");

function agent(branch: string, more: Partial<ListedAgent> = {}): ListedAgent {
  return {
    id: "a1",
    branch,
    repo: "/repos/shop",
    worktree: `/trees/${branch}`,
    session: "s",
    batch: null,
    index: null,
    adapter: "claude",
    prompt: null,
    createdAt: "2030-01-01T10:00:00Z",
    base: "0".repeat(40),
    createdBranch: true,
    status: "working",
    statusSource: "hook",
    statusSince: "2030-01-01T11:59:30Z",
    pid: 7,
    cpu: 12.3,
    memory: 50 * 1024 * 1024,
    processes: 2,
    ahead: null,
    behind: null,
    dirty: null,
    exitCode: null,
    ...more,
  };
}

const plain = painter(false);
const fleet = [
  agent("fix-auth"),
  agent("日本語", { status: "waiting", question: "Do you want to\u001b[2J proceed?", batch: "k3x9" }),
  agent(`long/${"name-".repeat(30)}`, { status: "failed", exitCode: 3, batch: "k3x9" }),
];

describe("fleet list", () => {
  it("fits every terminal from 70 columns on and keeps what matters", () => {
    for (const width of [70, 80, 120, 200]) {
      const lines = renderList(fleet, { width, paint: plain, now: NOW });
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      expect(lines[0]).toMatch(/^BRANCH +AGENT +STATUS +SINCE +CPU +MEM +AGE +BATCH/);
      expect(lines[1]).toMatch(/^fix-auth +claude +● working +30s +12% +50M +2h +-/);
    }
  });

  it("shows what a waiting agent asks, without its escape sequences", () => {
    expect(renderList(fleet, { width: 100, paint: plain, now: NOW }).join("\n")).toContain("└ Do you want to proceed?");
  });

  it("piped: tabs, no header, nothing cut", () => {
    const lines = renderList(fleet, { width: null, paint: plain, now: NOW });
    expect(lines).toHaveLength(3);
    expect(lines[0]?.split("\t")).toEqual(["fix-auth", "claude", "working", "30s", "12%", "50M", "2h", "-"]);
    expect(lines[2]).toContain("name-".repeat(30));
  });

  it("groups by batch, those without one last", () => {
    const lines = renderList(fleet, { width: 100, paint: plain, now: NOW, grouped: true });
    expect(lines.filter((line) => /^(no )?batch/.test(line))).toEqual([
      "batch k3x9  2 agents: 1 waiting, 1 failed",
      "no batch  1 agent: 1 working",
    ]);
  });

  it("adds changes, where the status comes from, and the repository on demand", () => {
    const changed = agent("x", { changes: { added: 5, removed: 2, files: 1 }, ahead: 3, behind: 1, dirty: true });
    const [head, row] = renderList([changed], { width: 150, paint: plain, now: NOW, changes: true, verbose: true, repos: true });
    expect(head).toMatch(/^REPOSITORY .*CHANGES +AHEAD +DIRTY +BATCH/);
    expect(row).toMatch(/^shop +x .*working \[hook\].*\+5 -2 +3 \(1 behind\) +yes/);
  });

  it("sums up", () => expect(summary(fleet)).toBe("3 agents: 1 waiting, 1 working, 1 failed"));
});

describe("an agent as JSON", () => {
  it("has exactly the keys of the contract, null where unknown", () => {
    const { question: _, ...rest } = fleet[1] as ListedAgent;
    const keys =
      "id branch repo worktree session batch index adapter prompt createdAt base createdBranch status statusSource statusSince pid cpu memory processes ahead behind dirty exitCode";
    expect(Object.keys(agentJson(rest))).toEqual(keys.split(" "));
    expect(agentJson({ ...rest, extra: 1 } as ListedAgent)).not.toHaveProperty("extra");
    expect(agentJson(rest).exitCode).toBeNull();
  });
});
