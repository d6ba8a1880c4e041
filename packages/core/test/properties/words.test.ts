import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { splitWords } from "../../src/config/words.js";
import { inertShellWord, shellWord } from "../../src/drivers/session/quote.js";
import { specScript } from "../../src/drivers/session/spec-file.js";
import { localHost } from "../../src/host/local.js";
import { argument, dearRuns, runs, shellish } from "./texts.js";

/** Words reach a program as they were, through every door: each with a real program on the other side. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-properties-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each(["zx", "spawn"] as const)("a command's arguments, by %s, are those its program sees", async (runner) => {
  const host = localHost({ runner });
  await fc.assert(
    fc.asyncProperty(fc.array(argument, { maxLength: 40 }), async (argv) => {
      const { stdout } = await host.run(["printf", "%s\\0", "first", ...argv]);
      expect(stdout.split("\0").slice(1, -1)).toEqual(argv);
    }),
    dearRuns(20),
  );
});

it("a quoted word is one word of a shell, which takes it literally", () => {
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 60 }), (words) => {
      const script = `printf '%s\\0' ${words.map(shellWord).join(" ")}\nprintf '%s\\0' ${words.map((word) => inertShellWord(`/${word}/`)).join(" ")}`;
      const wanted = [...words, ...words.map((word) => `/${word}/`)];
      expect(execFileSync("/bin/sh", { input: script, encoding: "utf8" }).split("\0").slice(0, -1)).toEqual(wanted);
    }),
    dearRuns(30),
  );
});

it("the word for a log's path holds nothing that tmux expands", () => {
  fc.assert(
    fc.property(argument, (path) => {
      expect(inertShellWord(path).replace(/^"\$\(printf '(.*)'\)"$/s, "$1")).toMatch(/^[A-Za-z0-9/._\\-]*$/);
    }),
    runs(300),
  );
});

it("a pane's script starts the program with exactly these arguments and variables, and removes itself", () => {
  const name = fc.stringMatching(/^HOSTILE_[A-Za-z0-9_]{1,12}$/);
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 30 }), fc.dictionary(name, argument, { maxKeys: 20 }), (args, variables) => {
      const script = join(folder, "a script's $(name).sh");
      const argv = ["/bin/sh", "-c", 'printf "%s\\0" "$@" ""; exec env -0', "sh", ...args];
      writeFileSync(script, specScript({ name: "s", agent: "a1", cwd: folder, argv, env: variables, logFile: "/x" } as never, script));
      const { stdout } = spawnSync("/bin/sh", [script], { encoding: "utf8", env: { PATH: process.env.PATH } });
      const seen = stdout.split("\0");
      expect(seen.slice(0, args.length)).toEqual(args);
      expect(seen.slice(args.length)).toEqual(expect.arrayContaining(Object.entries(variables).map(([key, value]) => `${key}=${value}`)));
      expect(existsSync(script)).toBe(false);
    }),
    dearRuns(20),
  );
});

it("quoted words are split again as they were, and text is split as a shell splits it or refused", () => {
  fc.assert(
    fc.property(fc.array(argument), (words) => {
      expect(splitWords(words.map(shellWord).join(" "))).toEqual(words);
    }),
    runs(300),
  );
  // Nothing of what a shell does beyond words stands in these texts.
  fc.assert(
    fc.property(fc.array(shellish, { minLength: 30, maxLength: 60 }), (texts) => {
      const split = texts.map(splitWords);
      const whole = texts.filter((_, at) => split[at] !== null);
      const script = whole.map((text) => `set -- ${text}\nprintf '%s\\0' $# "$@"`).join("\n");
      const wanted = split.flatMap((words) => (words === null ? [] : [String(words.length), ...words]));
      const shown = execFileSync("/bin/sh", { input: `set -f\n${script}\n`, encoding: "utf8" });
      expect(shown.split("\0").slice(0, -1)).toEqual(wanted);
    }),
    dearRuns(25),
  );
});
