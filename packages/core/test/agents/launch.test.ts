import { describe, expect, it } from "vitest";
import { adapterRegistry } from "../../src/agents/registry.js";
import type { AgentSettings } from "../../src/config/types.js";
import type { AgentAdapter } from "../../src/ports/index.js";
import { scriptedAgent } from "../../src/testing/scripted-agent.js";
import { contextOf, evidenceOf } from "./support/evidence.js";

const DEFAULTS: AgentSettings = {
  command: null,
  flags: [],
  env: {},
  promptVia: "argv",
  resume: null,
  patterns: { working: null, waiting: null, idle: null },
};

function adapter(name: string, settings: Record<string, Partial<AgentSettings>> = {}): AgentAdapter {
  const full = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, { ...DEFAULTS, ...value }]));
  const found = adapterRegistry({ settings: full, env: { AIFLEET_DEMO_AGENT: "/demo.js" } }).get(name);
  if (found === null) throw new Error(`No adapter ${name}`);
  return found;
}

const NODE = process.execPath;
const LONG = `${"ä".repeat(65_500)}x`;

describe("the first prompt", () => {
  it.each([
    ["claude", "Fix it\nnow; $(x)", ["claude", "Fix it\nnow; $(x)"]],
    ["claude", "-x is a prompt", ["claude", "--", "-x is a prompt"]],
    ["claude", "@file explain it", ["claude", "@file explain it"]],
    ["codex", "Fix it now", ["codex", "Fix it now"]],
    ["codex", "--help me", ["codex", "--", "--help me"]],
    ["opencode", "Fix it", ["opencode", "--prompt", "Fix it"]],
    ["demo", "-x", [NODE, "/demo.js", "--", "-x"]],
  ])("reaches %s as an argument: %s", (name, prompt, argv) => {
    expect(adapter(name).launch(contextOf(prompt))).toEqual({ argv, promptVia: "argv" });
  });

  it.each([
    ["claude", "update", ["claude"]],
    ["claude", "-x", ["claude"]],
    ["codex", "resume", ["codex"]],
    ["opencode", "-x is a prompt", ["opencode"]],
    ["aider", "Fix it", ["aider"]],
  ])("is pasted into %s where its command line would misread it: %s", (name, prompt, argv) => {
    expect(adapter(name).launch(contextOf(prompt))).toEqual({ argv, promptVia: "paste" });
  });

  it.each(["claude", "codex", "opencode", "gemini", "aider", "demo"])(
    "is pasted into %s where it is too long for an argument, and none is none",
    (name) => {
      const long = adapter(name).launch(contextOf(`a ${LONG}`));
      expect(long.promptVia).toBe("paste");
      expect(long.argv.join(" ")).not.toContain("ä");
      expect(adapter(name).launch(contextOf(null)).promptVia).toBe("none");
    },
  );

  it("is counted in bytes, not in letters", () => {
    const custom = adapter("x", { x: { command: ["x"] } });
    expect(custom.launch(contextOf("ä".repeat(65_500))).promptVia).toBe("argv");
    expect(custom.launch(contextOf(LONG)).promptVia).toBe("paste");
  });

  it("is kept apart from flags that take any number of values", () => {
    const argv = adapter("claude").launch(contextOf("Fix it now", { flags: ["--allowedTools", "Bash"] })).argv;
    expect(argv).toEqual(["claude", "--allowedTools", "Bash", "--", "Fix it now"]);
  });
});

describe("a resumed conversation", () => {
  it.each([
    ["claude", null, ["claude", "--continue"]],
    ["claude", "c1", ["claude", "--resume", "c1"]],
    ["codex", null, ["codex", "resume", "--last"]],
    ["codex", "c1", ["codex", "resume", "c1"]],
    ["opencode", "ses_1", ["opencode", "--session", "ses_1"]],
    ["gemini", null, ["gemini", "--resume", "latest"]],
    ["aider", null, ["aider", "--restore-chat-history"]],
    ["demo", null, [NODE, "/demo.js", "--resume"]],
  ])("is taken up by %s (%s)", (name, conversation, argv) => {
    expect(adapter(name).resume(contextOf(null, { conversation }))).toEqual({ argv, promptVia: "none" });
  });

  it("takes a prompt with it, pasted where the program drops its argument", () => {
    expect(adapter("claude").resume(contextOf("go on now"))?.argv).toEqual(["claude", "--continue", "--", "go on now"]);
    expect(adapter("codex").resume(contextOf("go on now"))?.argv).toEqual(["codex", "resume", "--last", "go on now"]);
    expect(adapter("gemini").resume(contextOf("go on"))?.argv).toEqual(["gemini", "--resume", "latest", "-i", "go on"]);
    expect(adapter("opencode").resume(contextOf("go on", { conversation: "s" }))).toEqual({
      argv: ["opencode", "--session", "s"],
      promptVia: "paste",
    });
  });

  it("is nobody else's: opencode would take up the last one of any worktree", () => {
    expect(adapter("opencode").resume(contextOf(null))).toBeNull();
  });
});

describe("settings of a known agent", () => {
  it("replace its command and add flags and environment, its behaviour stays", () => {
    const claude = adapter("claude", { claude: { command: ["/opt/claude", "x"], flags: ["--f"], env: { A: "1" } } });
    expect(claude).toMatchObject({ name: "claude", program: "/opt/claude" });
    expect(claude.launch(contextOf("-a b"))).toEqual({
      argv: ["/opt/claude", "x", "--f", "--", "-a b"],
      env: { A: "1" },
      promptVia: "argv",
    });
    expect(claude.resume(contextOf(null))?.argv).toEqual(["/opt/claude", "x", "--f", "--continue"]);
  });

  it("are not applied twice where the launch carries them already", () => {
    const claude = adapter("claude", { claude: { flags: ["--f"] } });
    expect(claude.launch(contextOf(null, { flags: ["--f"] })).argv).toEqual(["claude", "--f"]);
  });

  it("may ask for a paste, another resume command and other marks", () => {
    const patterns = { working: null, waiting: "^HELP", idle: null };
    const codex = adapter("codex", { codex: { promptVia: "paste", resume: ["codex", "again"], patterns } });
    expect(codex.launch(contextOf("Fix it now"))).toMatchObject({ argv: ["codex"], promptVia: "paste" });
    expect(codex.resume(contextOf(null))?.argv).toEqual(["codex", "again"]);
    expect(codex.read(evidenceOf(["HELP me", "›"]))).toEqual({ status: "waiting", source: "screen", question: "HELP me" });
    expect(codex.ready(evidenceOf(["HELP me", "›"]))).toBe(false);
    expect(codex.read(evidenceOf(["", "›"]))?.status).toBe("idle");
  });
});

describe("the plugin of opencode", () => {
  const reports = "/r/fleet-reports";
  const ours = "file:///r/fleet-reports/reporter.mjs";
  const settings = (own: string | undefined) =>
    adapter("opencode").launch(contextOf(null, { reports, env: { OPENCODE_CONFIG_CONTENT: own } })).env?.OPENCODE_CONFIG_CONTENT;

  it("is given beside settings of the user's own in the environment", () => {
    expect(JSON.parse(settings(undefined) ?? "")).toEqual({ plugin: [ours] });
    expect(JSON.parse(settings('{"model":"m","plugin":["mine"]}') ?? "")).toEqual({ model: "m", plugin: ["mine", ours] });
    expect(adapter("opencode").launch(contextOf(null, { reports })).files?.["reporter.mjs"]).toContain("AIFLEET_REPORTS");
  });

  it("does not pile up where an agent starts agents", () => {
    const inherited = JSON.stringify({ plugin: ["file:///other/fleet-reports/reporter.mjs"] });
    expect(JSON.parse(settings(inherited) ?? "")).toEqual({ plugin: [ours] });
  });

  it("is left out where those cannot be read", () => {
    for (const own of ["{ // mine", "[]", "null"]) expect(settings(own)).toBeUndefined();
  });

  it("is added to what the configuration sets", () => {
    const own = adapter("opencode", { opencode: { env: { OPENCODE_CONFIG_CONTENT: '{"model":"m"}', A: "1" } } });
    const { env } = own.launch(contextOf(null, { reports }));
    expect(JSON.parse(env?.OPENCODE_CONFIG_CONTENT ?? "")).toEqual({ model: "m", plugin: [ours] });
    expect(env?.A).toBe("1");
  });
});

describe("the conversation of gemini", () => {
  it("is chosen at the launch, another for each agent", () => {
    const [a, b] = ["a1", "a2"].map((id) => adapter("gemini").launch(contextOf("/help", { id })));
    expect(a?.conversation).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(b?.conversation).not.toBe(a?.conversation);
    expect(a).toMatchObject({ argv: ["gemini", "--session-id", a?.conversation, "-i", "/help"], promptVia: "argv" });
    expect(adapter("gemini").launch(contextOf("-x is a prompt"))).toMatchObject({ promptVia: "paste" });
  });

  it("is the user's where the flags name one", () => {
    const launch = adapter("gemini").launch(contextOf("Go", { flags: ["--resume", "latest"] }));
    expect(launch).toEqual({ argv: ["gemini", "--resume", "latest", "-i", "Go"], promptVia: "argv" });
  });
});

describe("the transcript of gemini", () => {
  const conversation = "0123abcd-0000-4000-8000-000000000000";
  const context = { reports: [], session: evidenceOf([]).session, worktree: "/w", conversation, env: { HOME: "/h" } };
  const files = (text: string | null, names: readonly string[]) => ({
    read: async (path: string) => (path === "/h/.gemini/projects.json" ? text : null),
    list: async (path: string) => (path === "/h/.gemini/tmp/shop-1/chats" ? names.map((name, at) => ({ name, modifiedAt: -at })) : null),
  });
  const diary = adapter("gemini").reports?.diary;

  it("is found by the worktree and the conversation, the one written last of several", async () => {
    const known = JSON.stringify({ projects: { "/w": "shop-1", "/other": "shop" } });
    const names = [
      "session-2026-11-22T21-37-0123abcd.jsonl",
      "session-2026-11-23T01-00-0123abcd.jsonl",
      "session-2026-11-24T00-00-ffffffff.jsonl",
    ];
    expect(await diary?.path(context, files(known, names))).toBe(`/h/.gemini/tmp/shop-1/chats/${names[0]}`);
    expect(await diary?.path(context, files(known, []))).toBeNull();
    expect(await diary?.path(context, files('{"projects":{"/w":"../../etc"}}', names))).toBeNull();
    expect(await diary?.path({ ...context, conversation: null }, files(known, names))).toBeNull();
    expect(await diary?.path(context, files(null, names))).toBeNull();
  });

  it("tells the last prompt of the user's own", () => {
    const row = (at: number, type: string, text: string) =>
      JSON.stringify({ id: "x", timestamp: new Date(at).toISOString(), type, content: [{ text }] });
    const rows = [
      '"cut":true}]}',
      row(1, "user", "<session_context>\nyou are"),
      row(2, "user", "one"),
      row(3, "user", "  two\nlines  "),
      row(4, "gemini", "done"),
      '{"$set":{"messages":[{"type":"user"}]}}',
    ];
    expect(diary?.taken?.(rows.join("\n"))).toEqual({ text: "two\nlines", at: 3 });
    const files = JSON.stringify({
      timestamp: new Date(5).toISOString(),
      type: "user",
      content: [{ text: "@a.ts" }],
      displayContent: [{ text: "@a" }],
    });
    expect(diary?.taken?.([...rows, files].join("\n"))).toEqual({ text: "@a", at: 5 });
    expect(diary?.taken?.(rows.slice(0, 2).join("\n"))).toBeNull();
  });

  it("are work until they are answered, for as long as their length may keep the program from saying so", () => {
    const at = "2026-11-22T21:50:34.227Z";
    const updated = `{"$set":{"lastUpdated":"${at}"}}`;
    const asked = `{"id":"a-1","timestamp":"${at}","type":"user","content":[{"text":"${"x".repeat(100_000)}"}]}`;
    const answered = `{"id":"a-2","timestamp":"${at}","type":"gemini","content":"Done.","tokens":{"input":0},"model":"gemini-2.5-pro"}`;
    const said = (...rows: string[]) => diary?.said(`${rows.join("\n")}\n`, 0);
    expect(said(asked, updated)).toMatchObject({ status: "working" });
    expect((said(asked, updated)?.at ?? 0) - Date.parse(at)).toBeGreaterThan(20_000);
    expect(said(asked.slice(90_000), updated)).toMatchObject({ status: "working" });
    expect(said(asked, updated, answered, updated)).toBeNull();
    expect(said(answered.slice(20), updated)).toBeNull();
    expect(said("")).toBeNull();
  });
});

describe("a prompt that the program would read as an order", () => {
  it.each([
    ["opencode", "/review it", " /review it", "/review it"],
    ["opencode", "Look at @a", "Look at @a ", "Look at @a"],
    ["opencode", "!ls", "!ls", "!ls"],
    ["opencode", "Plain", "Plain", "Plain"],
    ["gemini", "Look at @a", "Look at @a ", "Look at @a"],
    ["gemini", "!ls", "!ls", "!ls"],
  ])("reaches %s as text: %s", (name, prompt, paste, taken) => {
    expect(adapter(name).typed?.(prompt)).toEqual({ paste, taken });
  });

  it.each(["claude", "gemini"])("is refused by %s where it would drop a part of it", (name) => {
    expect(adapter(name).typed?.("to the \u202eright\u202c")?.loses).toMatch(/direction/);
    expect(adapter(name).typed?.("👩‍👩‍👧 e\u0301 ﷽")?.loses).toBeUndefined();
  });

  it("is known again where claude composes its letters", () => {
    expect(adapter("claude").typed?.("e\u0301")).toEqual({ paste: "e\u0301", taken: "\u00e9" });
  });

  it("does so as an argument, too", () => {
    expect(adapter("opencode").launch(contextOf("/review it")).argv).toEqual(["opencode", "--prompt", " /review it"]);
  });
});

describe("a permission mode", () => {
  const permission = (mode: "ask" | "edit" | "yolo") => adapter("opencode").launch(contextOf(null, { mode })).env?.OPENCODE_PERMISSION;

  it("is had of opencode by its environment, or by a flag", () => {
    expect(JSON.parse(permission("ask") ?? "")).toMatchObject({ edit: "ask", bash: "ask", read: "allow" });
    expect(JSON.parse(permission("edit") ?? "")).toMatchObject({ edit: "allow", bash: "ask" });
    expect(permission("yolo")).toBeUndefined();
    expect(adapter("opencode").launch(contextOf(null, { mode: "yolo" })).argv).toEqual(["opencode", "--auto"]);
  });

  it("is had of gemini by a flag", () => {
    const { argv } = adapter("gemini").launch(contextOf(null, { mode: "edit" }));
    expect(argv.slice(0, 3)).toEqual(["gemini", "--approval-mode", "auto_edit"]);
  });
});

describe("any configured command", () => {
  it("gets its prompt as the last argument, whatever it looks like", () => {
    const custom = adapter("mine", { mine: { command: ["my agent", "run"], flags: ["-q"], env: { K: "v" } } });
    expect(custom.launch(contextOf("-x"))).toEqual({ argv: ["my agent", "run", "-q", "-x"], env: { K: "v" }, promptVia: "argv" });
    expect(custom.resume(contextOf(null))).toBeNull();
  });

  it("gets it in a file where its command says so", () => {
    const custom = adapter("mine", { mine: { command: ["m", "--in={prompt_file}"], promptVia: "file" } });
    expect(custom.wantsPromptFile).toBe(true);
    expect(custom.launch(contextOf("hi", { promptFile: "/p/$&" }))).toEqual({ argv: ["m", "--in=/p/$&"], promptVia: "file" });
    expect(custom.launch(contextOf(null))).toEqual({ argv: ["m", "--in=/dev/null"], promptVia: "none" });
  });

  it("is refused where the file has no place in it, or a pattern is broken", () => {
    expect(() => adapter("m", { m: { command: ["m"], promptVia: "file" } }).launch(contextOf("hi", { promptFile: "/p" }))).toThrow(
      /\{prompt_file\}/,
    );
    expect(() => adapter("m", { m: { patterns: { working: "(", waiting: null, idle: null } } })).toThrow(/agents\.m\.patterns\.working/);
  });

  it("is taken up again by its resume command, with the prompt pasted", () => {
    const custom = adapter("m", { m: { command: ["m"], resume: ["m", "--again"] } });
    expect(custom.resume(contextOf("go on"))).toEqual({ argv: ["m", "--again"], promptVia: "paste" });
  });

  it("is read by its patterns over the last lines: question before work before quiet", () => {
    const patterns = { working: "busy", waiting: "\\[y/N\\]$", idle: "^ready>" };
    const custom = adapter("m", { m: { command: ["m"], patterns } });
    const filler = Array.from({ length: 12 }, (_, at) => `line ${at}`);
    expect(custom.read(evidenceOf(["busy", "ready>", "Run it? [y/N]"]))).toEqual({
      status: "waiting",
      source: "screen",
      question: "Run it? [y/N]",
    });
    expect(custom.read(evidenceOf(["ready>", "busy"]))?.status).toBe("working");
    expect(custom.read(evidenceOf(["busy", ...filler, "ready> "]))?.status).toBe("idle");
    expect(custom.read(evidenceOf(["hello"]))).toBeNull();
    expect([["ready>"], ["hello"], ["Run it? [y/N]"]].map((lines) => custom.ready(evidenceOf(lines)))).toEqual([true, false, false]);
    expect(adapter("n", { n: { command: ["n"] } }).ready(evidenceOf(["hello"]))).toBeNull();
  });
});

describe("the registry", () => {
  it("knows built-in, configured and added agents, and no others", () => {
    const registry = adapterRegistry({ settings: { mine: DEFAULTS }, extra: [scriptedAgent()] });
    expect(registry.names()).toEqual(["aider", "claude", "codex", "demo", "gemini", "mine", "opencode", "scripted"]);
    expect(registry.get("mine")?.program).toBe("mine");
    for (const name of ["nobody", "constructor", "__proto__", ""]) expect(registry.get(name)).toBeNull();
  });

  it("lets an added agent take a built-in one's place, methods of a class included", () => {
    class Own {
      readonly name = "claude";
      readonly title = "Mine";
      readonly program = "mine";
      launch() {
        return { argv: [this.program] as [string], promptVia: "none" as const };
      }
      resume() {
        return null;
      }
      read() {
        return null;
      }
      ready() {
        return null;
      }
    }
    const found = adapterRegistry({ settings: { claude: { ...DEFAULTS, env: { A: "1" } } }, extra: [new Own()] }).get("claude");
    expect(found?.title).toBe("Mine");
    expect(found?.launch(contextOf(null))).toEqual({ argv: ["mine"], env: { A: "1" }, promptVia: "none" });
  });

  it("makes a scripted agent for tests, with its log and pace in its environment", () => {
    const scripted = scriptedAgent({ script: "/s.js", log: "/log" });
    expect(scripted.launch(contextOf("go"))).toEqual({
      argv: [NODE, "/s.js", "--", "go"],
      env: { DEMO_AGENT_SPEED: "0", DEMO_AGENT_LOG: "/log" },
      promptVia: "argv",
    });
  });
});
