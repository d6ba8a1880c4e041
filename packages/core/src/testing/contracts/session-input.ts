import assert from "node:assert/strict";
import { createOne, type SessionSubject, seen } from "./session-subject.js";
import { type ContractCase, until } from "./suite.js";

/** What a session driver promises about typing. */
export const sessionInputCases: readonly ContractCase<SessionSubject>[] = [
  {
    name: "pastes a text that is submitted by Enter alone",
    async run({ driver, spec }) {
      const wanted = spec({ kind: "echo" });
      const session = await createOne(driver, wanted);
      await seen(driver, session.id, "ready");
      const text = "fix it; \"now\" $HOME 'x' #{pane_id} %H é漢;";
      assert.equal(await driver.paste(session, wanted.agent, text), "sent");
      const screen = async () => (await driver.screens([session.id])).get(session.id)?.lines.join("\n") ?? "";
      assert.ok(!(await screen()).includes("got:"));
      assert.equal(await driver.submit(session, wanted.agent), "sent");
      await seen(driver, session.id, `got:${text}`);
    },
  },
  {
    name: "pastes nothing after a text that was not submitted, whatever other keys were pressed",
    async run({ driver, spec }) {
      const wanted = spec({ kind: "echo" });
      const session = await createOne(driver, wanted);
      await seen(driver, session.id, "ready");
      assert.equal(await driver.paste(session, wanted.agent, "first"), "sent");
      assert.equal(await driver.paste(session, wanted.agent, "second"), "held");
      assert.equal(await driver.press(session, wanted.agent, "y"), "sent");
      assert.equal(await driver.paste(session, wanted.agent, "third"), "held");
      assert.equal(await driver.submit(session, wanted.agent), "sent");
      assert.ok(!(await seen(driver, session.id, "got:firsty")).includes("second"));
      assert.equal(await driver.paste(session, wanted.agent, "fourth"), "sent");
      await driver.submit(session, wanted.agent);
      await seen(driver, session.id, "got:fourth");
    },
  },
  {
    name: "pastes nothing at all as nothing",
    async run({ driver, spec }) {
      const wanted = spec({ kind: "echo" });
      const session = await createOne(driver, wanted);
      await seen(driver, session.id, "ready");
      assert.equal(await driver.paste(session, wanted.agent, ""), "sent");
      await driver.submit(session, wanted.agent);
      await seen(driver, session.id, "got:");
    },
  },
  {
    name: "types into no session but the agent's own",
    async run({ driver, spec }) {
      const [mine, other] = [spec({ kind: "echo" }), spec({ kind: "echo" })];
      const session = await createOne(driver, mine);
      await createOne(driver, other);
      await seen(driver, session.id, "ready");
      assert.equal(await driver.paste(session, other.agent, "stray"), "missing");
      assert.equal(await driver.press(session, other.agent, "Enter"), "missing");
      assert.equal(await driver.submit(session, other.agent), "missing");
      assert.equal(await driver.paste({ id: "%99999" }, mine.agent, "stray"), "missing");
      assert.equal(await driver.press({ id: "%99999" }, mine.agent, "Enter"), "missing");
      // What comes after shows that nothing came before.
      await driver.paste(session, mine.agent, "own");
      await driver.submit(session, mine.agent);
      assert.ok(!(await seen(driver, session.id, "got:own")).includes("stray"));
    },
  },
  {
    name: "types nothing into an ended program, and nothing else suffers",
    async run({ driver, spec }) {
      const [ending, living] = [spec({ kind: "exit", code: 0, text: "bye" }), spec({ kind: "echo" })];
      const dead = await createOne(driver, ending);
      const alive = await createOne(driver, living);
      await until(
        () => driver.list(),
        (all) => all.some((session) => session.id === dead.id && session.dead),
        "the program to end",
      );
      for (let i = 0; i < 5; i++) {
        assert.equal(await driver.paste(dead, ending.agent, "too late"), "dead");
        assert.equal(await driver.press(dead, ending.agent, "Enter"), "dead");
        assert.equal(await driver.submit(dead, ending.agent), "dead");
      }
      // Its last screen is still being put away while it has only just ended.
      const last = async () => (await driver.screens([dead.id])).get(dead.id)?.lines;
      assert.deepEqual(await until(last, (lines) => lines?.length === 1, "its last screen"), ["bye"]);
      assert.equal(await driver.paste(alive, living.agent, "still here"), "sent");
    },
  },
  {
    name: "ends a program that C-c interrupts",
    async run({ driver, spec }) {
      const wanted = spec({ kind: "lines", count: 1 });
      const session = await createOne(driver, wanted);
      await seen(driver, session.id, "line 1");
      assert.equal(await driver.press(session, wanted.agent, "C-c"), "sent");
      const probe = async () => (await driver.list()).find(({ id }) => id === session.id);
      const ended = await until(probe, (now) => now?.dead === true, "the program to end");
      assert.equal(ended?.exitCode, 130);
    },
  },
];
