import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkBranchName } from "../../src/drivers/git/branch-name.js";
import { matchesGlob } from "../../src/engine/glob.js";
import { projectName, slugFor } from "../../src/engine/names.js";
import { anything, argument, dearRuns, runs } from "./texts.js";

const isBranch = (name: string) => {
  try {
    checkBranchName(name);
    return true;
  } catch {
    return false;
  }
};

it("a folder and session name is made of letters, digits, _ and -, and is nobody else's", () => {
  const branches = fc.uniqueArray(fc.oneof(anything, fc.stringMatching(/^[aA]{1,4}$/), fc.string({ minLength: 78, maxLength: 90 })), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(branches, anything, (names, commonDir) => {
      const taken = new Set<string>();
      for (const branch of names) {
        const slug = slugFor(branch, taken);
        expect(slug).toMatch(/^[A-Za-z0-9_-]{1,90}$/);
        expect([...taken].map((name) => name.toLowerCase())).not.toContain(slug.toLowerCase());
        expect(slugFor(branch, taken)).toBe(slug);
        taken.add(slug);
      }
      for (const name of names) expect(projectName({ path: `/x/${name}`, commonDir } as never)).toMatch(/^[A-Za-z0-9_-]{1,87}$/);
    }),
    runs(100),
  );
});

it("a text is a branch name for us where it is one for git, and none where it is none", () => {
  const name = fc
    .oneof(argument, fc.stringMatching(/^[a-z./@{-]{1,8}$/), fc.stringMatching(/^[a-c./]{1,6}(\.lock)?$/))
    .filter((text) => text !== "" && Buffer.byteLength(text) < 200);
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 50, maxLength: 50 }), (names) => {
      const script = 'for one; do git check-ref-format --branch "$one" >/dev/null 2>&1 && printf 1 || printf 0; done';
      const { stdout } = spawnSync("/bin/sh", ["-c", script, "sh", ...names], { encoding: "utf8", cwd: "/" });
      // The one that git takes as a name and everywhere else as HEAD is none for us.
      const ours = names.map((text) => `${text}: ${text === "@" || isBranch(text)}`);
      expect(isBranch("@")).toBe(false);
      expect(ours).toEqual(names.map((text, at) => `${text}: ${stdout[at] === "1"}`));
    }),
    dearRuns(5),
  );
});

/** What a glob means, said as plainly as it can be. */
function matches(glob: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return name.length === 0;
  if (first === "*") return matches(rest, name) || (name.length > 0 && matches(glob, name.slice(1)));
  return name.length > 0 && (first === "?" || first === name[0]) && matches(rest, name.slice(1));
}

it("a glob matches what its plain meaning says", () => {
  const near = (letters: readonly string[], maxLength: number) => fc.array(fc.constantFrom(...letters), { maxLength });
  fc.assert(
    fc.property(near(["a", "b", "*", "?", "[", ".", "\u{1f680}"], 7), near(["a", "b", "[", ".", "\u{1f680}", "\n"], 9), (glob, name) => {
      expect(matchesGlob(glob.join(""), name.join(""))).toBe(matches(glob, name));
    }),
    runs(2000),
  );
  fc.assert(
    fc.property(anything, anything, (glob, name) => {
      expect(matchesGlob("*", name) && matchesGlob(`${name}*`.replaceAll("*", "?"), `${name}x`)).toBe(true);
      expect(matchesGlob(glob, name, { sets: true })).toBeTypeOf("boolean");
    }),
    runs(500),
  );
});

it("a set of a glob matches what a regular expression's does", () => {
  const inner = fc.array(fc.constantFrom("a", "b", "c", "-", "x"), { minLength: 1, maxLength: 5 }).map((all) => all.join(""));
  fc.assert(
    fc.property(inner, fc.boolean(), fc.constantFrom(..."abcdwxyz-!^]"), (set, not, character) => {
      let regex: RegExp;
      try {
        // A regular expression's dash between a range and what follows is read differently; these are left out.
        regex = new RegExp(`^[${not ? "^" : ""}${set}]$`, "v");
      } catch {
        return;
      }
      expect(matchesGlob(`[${not ? "!" : ""}${set}]`, character, { sets: true })).toBe(regex.test(character));
    }),
    runs(500),
  );
});
