import { describe, expect, it } from "vitest";
import { seconds, wholeNumber } from "../src/args.js";
import { Create } from "../src/commands/create.js";
import { countOf } from "../src/commands/fanout.js";
import { previewText } from "../src/commands/kill.js";
import { exitOfResults, Prompt } from "../src/commands/prompt.js";
import { liftBullets } from "../src/input/bullets.js";
import { editorOf } from "../src/input/edit.js";
import { refuseDuplicates, taskOfArgument, tasksOfText } from "../src/input/tasks.js";
import { commandFirst } from "../src/main.js";
import { nearest } from "../src/nearest.js";
import { exitOf } from "../src/render/next.js";
import { chosen } from "../src/target.js";

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("counts and numbers", () => {
  it.each(["0", "-1", "1.5", "1e9", "abc", "", "1001", " 3", "٣", "0x3"])("refuses %j as a count", (text) =>
    expect(() => countOf(text)).toThrow(code("INVALID_COUNT") as Error),
  );
  it.each(["1", "3", "1000"])("takes %s", (text) => expect(countOf(text)).toBe(Number(text)));
  it("takes seconds with fractions and refuses everything else", () => {
    expect(seconds("--timeout", "0.5")).toBe(500);
    for (const text of ["-1", "x", "", "1e3", "Infinity"]) expect(() => seconds("--timeout", text)).toThrow(code("USAGE") as Error);
    expect(() => wholeNumber("--lines", "1.5", 1, 10)).toThrow(code("USAGE") as Error);
  });
});

describe("which agents", () => {
  it("is names, one batch or all, and one name is a single agent", () => {
    expect(chosen(["a"], {})).toEqual({ target: "a", single: true });
    expect(chosen(["a", "a"], {})).toEqual({ target: "a", single: true });
    expect(chosen(["a*"], {})).toEqual({ target: "a*", single: false });
    expect(chosen(["a", "b"], {})).toEqual({ target: ["a", "b"], single: false });
    expect(chosen([], { batch: "k" })).toEqual({ target: { batch: "k" }, single: false });
    expect(chosen(undefined, { all: true })).toEqual({ target: { all: true }, single: false });
  });
  it("never guesses: nothing, two ways at once and empty names are refused", () => {
    for (const [names, flags] of [
      [[], {}],
      [["a"], { all: true }],
      [[], { all: true, batch: "k" }],
      [[""], {}],
      [["a", " "], {}],
      [[], { batch: "" }],
    ] as const) {
      expect(() => chosen(names, flags)).toThrow(code("USAGE") as Error);
    }
  });
});

describe("tasks", () => {
  it("splits at the first colon only", () =>
    expect(taskOfArgument("fix:see https://x: now")).toEqual({ branch: "fix", prompt: "see https://x: now" }));
  it.each(["nocolon", ":prompt", "branch:", "branch:  "])("refuses %j, naming it", (text) =>
    expect(() => taskOfArgument(text)).toThrow(code("USAGE") as Error),
  );
  it("names the branch that is there twice", () => {
    const tasks = [taskOfArgument("a:1"), taskOfArgument("b:2"), taskOfArgument("a:3")];
    expect(() => refuseDuplicates(tasks)).toThrow("The branch a is named twice.");
  });
  it("reads TOML and JSON alike", async () => {
    const toml = await tasksOfText('[[task]]\nbranch = "a"\nprompt = """\ntwo\nlines"""\nagent = "codex"\n', "t.toml");
    const json = await tasksOfText('[{"branch":"a","prompt":"two\\nlines","agent":"codex"}]', "stdin");
    expect(toml).toEqual(json);
    expect(toml).toEqual([{ branch: "a", prompt: "two\nlines", adapter: "codex", from: undefined, template: undefined }]);
    expect(await tasksOfText('[[task]]\nbranch="a"\nprompt="b"', "stdin")).toHaveLength(1);
  });
  it.each([
    ['[[task]]\nbranch="a"\nprmpt="b"', "prmpt"],
    ['[[task]]\nprompt="b"', "no branch"],
    ['[[task]]\nbranch="a"', "is empty"],
    ['[[task]]\nbranch=3\nprompt="b"', "must be text"],
    ['[[tasks]]\nbranch="a"', "unknown key tasks"],
    ["[[task]", "line 1"],
  ])("says what is wrong with %j", async (text, words) => await expect(tasksOfText(text, "t.toml")).rejects.toThrow(words));
});

describe("the command line's words", () => {
  it("takes common flags before the command, too", () => {
    expect(commandFirst(["--repo", "x", "--json", "list", "--watch"])).toEqual(["list", ["--repo", "x", "--json", "--watch"]]);
    expect(commandFirst(["--repo=x", "list"])).toEqual(["list", ["--repo=x"]]);
    expect(commandFirst(["--help"])).toEqual(["--help", []]);
  });
  it("takes a text that begins like a list for a text", () => {
    expect(liftBullets(["fix", "- do it", "--json"], Prompt)).toEqual(["fix", "--json", "--", "- do it"]);
    expect(liftBullets(["fix", "--prompt", "- do it"], Create)).toEqual(["fix", "--prompt", "- do it"]);
    expect(liftBullets(["fix", "--", "- do it"], Prompt)).toEqual(["fix", "--", "- do it"]);
  });
  it("knows what was meant", () => {
    expect(nearest("lst", ["create", "list", "logs"])).toBe("list");
    expect(nearest("craete", ["create", "list"])).toBe("create");
    expect(nearest("zzz", ["create", "list"])).toBeNull();
  });
  it("splits an editor as a shell does", () => {
    expect(editorOf({ VISUAL: "code --wait", EDITOR: "vi" })).toEqual(["code", "--wait"]);
    expect(editorOf({ EDITOR: `'/my apps/ed' -c "set x" a\\ b` })).toEqual(["/my apps/ed", "-c", "set x", "a b"]);
    expect(editorOf({ VISUAL: " " })).toEqual(["vi"]);
  });
});

describe("exit codes of several", () => {
  it("is 0 for all, 7 for some, the other for none", () =>
    expect([exitOf(2, 0), exitOf(1, 1), exitOf(0, 2), exitOf(0, 2, 4)]).toEqual([0, 7, 1, 4]));
  it("follows the receipts of prompts", () => {
    const of = (...kinds: ("delivered" | "queued" | "refused" | "unverified")[]) => exitOfResults(kinds.map((delivery) => ({ delivery })));
    expect([of("delivered", "queued"), of("delivered", "refused"), of("refused"), of("unverified", "unverified")]).toEqual([0, 7, 4, 6]);
  });
});

it("a preview of a kill says what happens to the work", () => {
  const preview = { branch: "a", id: "1", reasons: ["2 uncommitted files"], files: ["x", "y"] };
  expect(previewText(preview, true)).toBe("  a: removed, its work saved to the trash (2 uncommitted files)\n    x\n    y");
  expect(previewText(preview, false)).toContain("refused");
  expect(previewText({ ...preview, reasons: [], files: [] }, true)).toBe("  a: nothing to lose");
});
