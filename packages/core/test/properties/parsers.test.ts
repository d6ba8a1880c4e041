import fc from "fast-check";
import { expect, it } from "vitest";
import { parseIndex } from "../../src/drivers/git/index-file.js";
import { mapThroughRefspec, parseConfig } from "../../src/drivers/git/parse-config.js";
import { parseStatus } from "../../src/drivers/git/parse-status.js";
import { parseWorktreeList } from "../../src/drivers/git/worktree-list.js";
import { parsePanes } from "../../src/drivers/session/parse.js";
import { anything, argument, runs } from "./texts.js";

/** What git and tmux answer is read right, and whatever else they might print is no error of ours. */
const path = argument.filter((text) => text !== "");
const id = fc.stringMatching(/^[0-9a-f]{40}$/).filter((text) => !/^0+$/.test(text));
const RUNS = runs(200);

it("any bytes at all are read without an exception", () => {
  const records = fc.array(
    fc.oneof(anything, fc.constantFrom("1 ", "u ", "? ", "! ", "# branch.oid ", "worktree ", "%1|$1|a|%1|"), fc.constant("\0")),
  );
  const text = fc.oneof(
    records.map((all) => all.join("")),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("utf8")),
  );
  fc.assert(
    fc.property(text, (answer) => {
      for (const parse of [parseStatus, parseWorktreeList, parseConfig, parsePanes]) parse(answer);
      mapThroughRefspec(answer, "refs/heads/x");
    }),
    runs(1000),
  );
  const index = fc.tuple(
    fc.constantFrom(2, 3, 4, 9),
    fc.nat(4),
    fc.uint8Array({ maxLength: 300, size: "max" }),
    fc.constantFrom(0, 0x40, 0xff),
  );
  fc.assert(
    fc.property(index, ([version, entries, bytes, fill]) => {
      const head = Buffer.alloc(12);
      head.write("DIRC");
      head.writeUInt32BE(version, 4);
      head.writeUInt32BE(entries, 8);
      parseIndex(Buffer.concat([head, Buffer.from(bytes)]));
      parseIndex(Buffer.concat([head, Buffer.alloc(bytes.length, fill)]));
    }),
    runs(1000),
  );
});

it("a status' paths come out as they went in", () => {
  const list = fc.array(path, { maxLength: 6 });
  fc.assert(
    fc.property(id, path, list, list, list, list, (head, branch, changed, unmerged, untracked, ignored) => {
      const text = [
        `# branch.oid ${head}`,
        `# branch.head ${branch}`,
        ...changed.map((one) => `1 .M N... 100644 100644 100644 ${head} ${head} ${one}`),
        ...unmerged.map((one) => `u UU N... 100644 100644 100644 100644 ${head} ${head} ${head} ${one}`),
        ...untracked.map((one) => `? ${one}`),
        ...ignored.map((one) => `! ${one}`),
      ];
      expect(parseStatus(text.map((record) => `${record}\0`).join(""))).toEqual({
        head,
        branch,
        modified: [...changed, ...unmerged],
        untracked,
        ignored,
      });
    }),
    RUNS,
  );
});

it("worktrees and settings come out as they went in", () => {
  const branch = fc.option(path.filter((text) => !text.startsWith("refs/")));
  const tree = fc.record({ path: path.map((text) => `/${text}`), head: id, branch, locked: fc.option(argument) });
  fc.assert(
    fc.property(fc.array(tree), (trees) => {
      const text = trees.map((one) => {
        const fields = [`worktree ${one.path}`, `HEAD ${one.head}`, one.branch === null ? "detached" : `branch refs/heads/${one.branch}`];
        if (one.locked !== null) fields.push(one.locked === "" ? "locked" : `locked ${one.locked}`);
        return `${fields.join("\0")}\0\0`;
      });
      expect(parseWorktreeList(text.join(""))).toEqual(trees.map((one) => ({ ...one, bare: false })));
    }),
    RUNS,
  );
  const key = fc.stringMatching(/^[a-z]{1,8}\.[a-z]{1,8}$/);
  const entry = fc.record({ key, value: fc.option(argument) });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const text = entries.map((one) => `${one.key}${one.value === null ? "" : `\n${one.value}`}\0`);
      expect(parseConfig(text.join(""))).toEqual(entries);
    }),
    RUNS,
  );
});

it("no title, name or command of a pane poses as another pane", () => {
  const command = argument.map((text) => text.replaceAll("\n", " "));
  const pane = fc.record({ name: argument, command, title: argument });
  fc.assert(
    fc.property(fc.array(pane, { maxLength: 5 }), (panes) => {
      const bytes = (text: string) => Buffer.byteLength(text);
      const text = panes.map(
        ({ name, command, title }, at) =>
          `%${at}|$${at}|agent${at}|%${at}|${at + 1}|0|||1700000000|1700000000|/dev/pts/${at}||${bytes(name)}|${bytes(title)}|${name}${title}${command}\n`,
      );
      const read = parsePanes(text.join("")).map(({ name, command, title, agent }) => ({ name, command, title, agent }));
      expect(read).toEqual(panes.map((one, at) => ({ ...one, agent: `agent${at}` })));
    }),
    RUNS,
  );
});
