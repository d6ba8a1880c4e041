import assert from "node:assert/strict";
import { isFleetError } from "../../errors/index.js";
import { sessionInputCases } from "./session-input.js";
import { createAll, createOne, type SessionSubject, seen } from "./session-subject.js";
import { type ContractCase, type ContractSuite, until } from "./suite.js";

const cases: readonly ContractCase<SessionSubject>[] = [
  {
    name: "is empty, and at peace with it, before the first session",
    async run({ driver }) {
      assert.deepEqual(await driver.list(), []);
      assert.equal((await driver.screens(["%1"])).size, 0);
      await driver.end(["nobody"]);
      await driver.tidy();
      assert.deepEqual(await createAll(driver, []), []);
    },
  },
  {
    name: "starts a session that is up, marked, named and listed",
    async run({ driver, spec }) {
      const wanted = spec({ kind: "echo" });
      const before = Date.now();
      const made = await createOne(driver, wanted);
      assert.deepEqual([made.agent, made.name, made.dead, made.exitCode, made.attached], [wanted.agent, wanted.name, false, null, 0]);
      const [listed, ...more] = await driver.list();
      assert.equal(more.length, 0);
      assert.deepEqual(
        [listed?.id, listed?.agent, listed?.name, listed?.pid, listed?.dead],
        [made.id, wanted.agent, wanted.name, made.pid, false],
      );
      assert.ok(made.pid > 1);
      assert.ok(Math.abs((listed?.createdAt ?? 0) - before) < 60_000);
      await seen(driver, made.id, "ready");
    },
  },
  {
    name: "hands over every argument exactly",
    async run({ driver, spec }) {
      const args = ["", "a b", "'", '"', "\\", "$(exit 9)", "`id`", "*", "~", "#{pane_id}", "#(exit)", "%H", "-n", ";", "é漢"];
      const { id } = await createOne(driver, spec({ kind: "args", args }));
      const screen = await seen(driver, id, "[é漢]");
      assert.deepEqual(
        screen.split("\n"),
        args.map((arg) => `[${arg}]`),
      );
    },
  },
  {
    name: "gives the program its environment, whole and exact",
    async run({ driver, spec }) {
      const wanted = spec({ kind: "env", names: ["PLAIN", "HARD", "EMPTY", "ABSENT", "END"] });
      const env = { ...wanted.env, PLAIN: "yes", HARD: "a 'b' \"c\" $d `e` #{f} %H \\", EMPTY: "", END: "1", "no-identifier": "x" };
      const { id } = await createOne(driver, { ...wanted, env });
      const screen = await seen(driver, id, "END=1");
      assert.deepEqual(screen.split("\n").slice(0, 4), ["PLAIN=yes", `HARD=${env.HARD}`, "EMPTY=", "ABSENT unset"]);
    },
  },
  {
    name: "starts many at once and tells of each exactly once",
    async run({ driver, spec }) {
      const specs = Array.from({ length: 12 }, () => spec({ kind: "echo" }));
      const results = await createAll(driver, specs);
      assert.deepEqual(results.map((result) => [result.agent, result.ok]).sort(), specs.map(({ agent }) => [agent, true]).sort());
      assert.deepEqual((await driver.list()).map(({ agent }) => agent).sort(), specs.map(({ agent }) => agent).sort());
    },
  },
  {
    name: "keeps an ended program's exit code, last screen and log",
    async run({ driver, spec, readLog }) {
      const specs = [0, 7].map((code) => spec({ kind: "exit", code, text: `last words ${code}` }));
      for (const result of await createAll(driver, specs)) assert.equal(result.ok, true);
      const ended = await until(
        () => driver.list(),
        (all) => all.length === 2 && all.every(({ dead }) => dead),
        "both to have ended",
      );
      assert.deepEqual(
        specs.map(({ agent }) => ended.find((session) => session.agent === agent)?.exitCode),
        [0, 7],
      );
      for (const [i, { agent, logFile }] of specs.entries()) {
        const id = ended.find((session) => session.agent === agent)?.id ?? "";
        assert.deepEqual((await driver.screens([id])).get(id)?.lines, [`last words ${i * 7}`]);
        await until(
          () => readLog(logFile),
          (log) => log.includes(`last words ${i * 7}`),
          "the last words in the log",
        );
      }
    },
  },
  {
    name: "fails a session whose name is taken, and starts the others",
    async run({ driver, spec }) {
      const first = spec({ kind: "echo" });
      const { id } = await createOne(driver, first);
      const [taken, fine] = [spec({ kind: "echo" }, { name: first.name }), spec({ kind: "echo" })];
      const results = await createAll(driver, [taken, fine]);
      assert.equal(results.find(({ agent }) => agent === taken.agent)?.ok, false);
      assert.equal(results.find(({ agent }) => agent === fine.agent)?.ok, true);
      const listed = await driver.list();
      assert.deepEqual(listed.map(({ agent }) => agent).sort(), [first.agent, fine.agent].sort());
      assert.equal(listed.find(({ agent }) => agent === first.agent)?.id, id);
    },
  },
  {
    name: "fails a session whose folder is not there instead of starting it elsewhere",
    async run({ driver, spec }) {
      const [bad, good] = [spec({ kind: "echo" }, { cwd: "/no/such/folder" }), spec({ kind: "echo" })];
      const results = await createAll(driver, [bad, good]);
      const failed = results.find(({ agent }) => agent === bad.agent);
      assert.ok(failed?.ok === false && failed.error.message.includes("/no/such/folder"));
      assert.deepEqual(
        (await driver.list()).map(({ agent }) => agent),
        [good.agent],
      );
    },
  },
  {
    name: "refuses a name or an agent id that could be taken for something else",
    async run({ driver, spec }) {
      const specs = ["a:b", "a.b", "#(id)", "a b", ""].map((name) => spec({ kind: "echo" }, { name }));
      specs.push(spec({ kind: "echo" }, { agent: "a,b}" }));
      for (const result of await createAll(driver, specs)) assert.equal(result.ok, false);
      assert.deepEqual(await driver.list(), []);
    },
  },
  {
    name: "leaves no session behind when starting is aborted",
    async run({ driver, spec }) {
      const control = new AbortController();
      const all = async () => {
        for await (const result of driver.create([spec({ kind: "echo" })], { signal: control.signal })) assert.ok(result);
      };
      control.abort();
      await assert.rejects(all(), (error) => isFleetError(error, "INTERRUPTED"));
      assert.deepEqual(await driver.list(), []);
    },
  },
  {
    name: "ends what it started and did not tell of, when the caller stops listening",
    async run({ driver, spec }) {
      const specs = Array.from({ length: 4 }, () => spec({ kind: "echo" }));
      let told: string | undefined;
      for await (const result of driver.create(specs)) {
        told = result.agent;
        break;
      }
      assert.deepEqual(
        (await driver.list()).map(({ agent }) => agent),
        [told],
      );
    },
  },
  {
    name: "reads several screens at once, without those that are gone, with history where it is asked for",
    async run({ driver, spec }) {
      const few = await createOne(driver, spec({ kind: "lines", count: 3 }));
      const many = await createOne(driver, spec({ kind: "lines", count: 300 }));
      await seen(driver, few.id, "line 3");
      await seen(driver, many.id, "line 300");
      const screens = await driver.screens([few.id, "%99999", many.id]);
      assert.deepEqual([...screens.keys()].sort(), [few.id, many.id].sort());
      assert.deepEqual(screens.get(few.id)?.lines, ["line 1", "line 2", "line 3"]);
      assert.ok((screens.get(many.id)?.lines.length ?? 0) < 100);
      assert.equal(screens.get(many.id)?.lines.at(-1), "line 300");
      const whole = (await driver.screens([many.id], { history: Number.POSITIVE_INFINITY })).get(many.id)?.lines;
      assert.deepEqual([whole?.length, whole?.[0]], [300, "line 1"]);
      const some = (await driver.screens([many.id], { history: 10 })).get(many.id)?.lines.length ?? 0;
      assert.equal(some - (screens.get(many.id)?.lines.length ?? 0), 10);
    },
  },
  {
    name: "ends the sessions of the agents it is given, and no other",
    async run({ driver, spec }) {
      const specs = Array.from({ length: 3 }, () => spec({ kind: "echo" }));
      await createAll(driver, specs);
      const [first, second, third] = specs.map(({ agent }) => agent);
      await driver.end([first ?? "", "nobody", third ?? ""]);
      await driver.end([first ?? ""]);
      const left = await until(
        () => driver.list(),
        (all) => all.length <= 1,
        "two to be gone",
      );
      assert.deepEqual(
        left.map(({ agent }) => agent),
        [second],
      );
    },
  },
  {
    name: "tells that something changed, from before the first session on, and stops on abort",
    async run({ driver, spec }) {
      const control = new AbortController();
      let count = 0;
      const watching = (async () => {
        for await (const _ of driver.changes({ signal: control.signal })) count++;
      })();
      const { agent } = await createOne(driver, spec({ kind: "echo" })).then((session) => ({ agent: session.agent ?? "" }));
      await until(
        () => count,
        (n) => n > 0,
        "word of the first session",
      );
      const other = spec({ kind: "echo" });
      let before = count;
      await createOne(driver, other);
      await until(
        () => count,
        (n) => n > before,
        "word of the second session",
      );
      before = count;
      await driver.end([agent, other.agent]);
      await until(
        () => count,
        (n) => n > before,
        "word of the end",
      );
      control.abort();
      await watching;
    },
  },
];

/** The promises of {@link SessionDriver}. */
export const sessionDriverContract: ContractSuite<SessionSubject> = { port: "SessionDriver", cases: [...cases, ...sessionInputCases] };

export type { SessionSubject, StockProgram } from "./session-subject.js";
