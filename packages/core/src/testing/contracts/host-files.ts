import assert from "node:assert/strict";
import { isFleetError } from "../../errors/index.js";
import type { HostSubject } from "./host.js";
import type { ContractCase } from "./suite.js";

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

/** The promises of a host's files. */
export const hostFilesCases: readonly ContractCase<HostSubject>[] = [
  {
    name: "answers null or nothing for what is not there",
    async run({ host: { files }, folder }) {
      const gone = `${folder}/gone`;
      assert.equal(await files.read(gone), null);
      assert.equal(await files.stat(gone), null);
      assert.equal(await files.list(gone), null);
      assert.equal(await files.realPath(gone), null);
      assert.equal(await files.readRange(gone, 0, 10), null);
      assert.deepEqual(await files.readMany([gone]), [null]);
      await files.remove(gone);
      await files.removeTree(gone);
    },
  },
  {
    name: "throws for what it could not find out",
    async run({ host: { files }, folder }) {
      await assert.rejects(files.read(folder), (error) => isFleetError(error));
      await assert.rejects(files.write(`${folder}/gone/file`, "x"), (error) => isFleetError(error));
    },
  },
  {
    name: "writes whole files with the mode asked for, whatever the umask, and leaves nothing beside them",
    async run({ host: { files }, folder }) {
      const before = process.umask(0o077);
      try {
        await files.write(`${folder}/a`, "one");
        await files.write(`${folder}/a`, "two é");
        await files.write(`${folder}/b`, new Uint8Array([0, 255, 10]), 0o755);
        await files.makeFolder(`${folder}/x/y`, 0o755);
        await files.makeFolder(`${folder}/x/y/z`);
        await files.append(`${folder}/c`, "1");
        await files.append(`${folder}/c`, "2");
      } finally {
        process.umask(before);
      }
      assert.equal(await files.read(`${folder}/a`), "two é");
      assert.deepEqual(Buffer.from((await files.readRange(`${folder}/b`, 0, 10)) ?? []), Buffer.from([0, 255, 10]));
      assert.equal(await files.read(`${folder}/c`), "12");
      const mode = async (name: string) => (await files.stat(`${folder}/${name}`))?.mode;
      assert.deepEqual(
        [await mode("a"), await mode("b"), await mode("c"), await mode("x"), await mode("x/y"), await mode("x/y/z")],
        [0o600, 0o755, 0o600, 0o755, 0o755, 0o700],
      );
      assert.deepEqual([...((await files.list(folder)) ?? [])].sort(), ["a", "b", "c", "x"]);
    },
  },
  {
    name: "reads within a folder only what lies there, wherever links lead",
    async run({ host: { files, run }, folder }) {
      const root = (await files.realPath(folder)) as string;
      await files.makeFolder(`${root}/in/sub`);
      await files.write(`${root}/in/sub/f`, "inside");
      await files.write(`${root}/secret`, "outside");
      assert.equal(text(await files.readWithin(`${root}/in`, `${root}/in/sub/f`)), "inside");
      assert.equal(text(await files.readWithin(`${root}/in`, `${root}/secret`)), null);
      assert.equal(text(await files.readWithin(`${root}/in`, `${root}/in/sub`)), null);
      assert.equal(text(await files.readWithin(`${root}/in`, `${root}/in/gone`)), null);
      await run(["ln", "-s", "../secret", `${root}/in/link`]);
      await run(["ln", "-s", "..", `${root}/in/up`]);
      assert.equal(text(await files.readWithin(`${root}/in`, `${root}/in/link`)), null);
      assert.equal(text(await files.readWithin(`${root}/in`, `${root}/in/up/secret`)), null);
    },
  },
  {
    name: "reads a part, counted from either end",
    async run({ host: { files }, folder }) {
      await files.write(`${folder}/f`, "0123456789");
      assert.equal(text(await files.readRange(`${folder}/f`, 2, 3)), "234");
      assert.equal(text(await files.readRange(`${folder}/f`, -4, 3)), "678");
      assert.equal(text(await files.readRange(`${folder}/f`, -100, 100)), "0123456789");
      assert.equal(text(await files.readRange(`${folder}/f`, 20, 5)), "");
    },
  },
  {
    name: "tells kinds apart without following a link, and replaces a link instead of writing through it",
    async run({ host, folder }) {
      const { files } = host;
      await files.write(`${folder}/target`, "kept");
      await host.run(["ln", "-s", "target", `${folder}/link`]);
      assert.equal((await files.stat(`${folder}/link`))?.kind, "link");
      assert.equal((await files.stat(folder))?.kind, "folder");
      assert.equal((await files.stat(`${folder}/target`))?.kind, "file");
      assert.equal(await files.realPath(`${folder}/link`), await files.realPath(`${folder}/target`));
      await files.write(`${folder}/link`, "new");
      assert.equal(await files.read(`${folder}/target`), "kept");
    },
  },
  {
    name: "removes a folder with read-only folders in it, and nothing that a link inside points to",
    async run({ host, folder }) {
      const { files } = host;
      await files.makeFolder(`${folder}/outside`);
      await files.write(`${folder}/outside/kept`, "x");
      await files.makeFolder(`${folder}/tree/deep`);
      await files.write(`${folder}/tree/deep/file`, "x");
      await host.run(["ln", "-s", "../outside", `${folder}/tree/link`]);
      await files.setMode(`${folder}/tree/deep`, 0o500);
      await files.removeTree(`${folder}/tree`);
      assert.deepEqual(await files.list(folder), ["outside"]);
      assert.equal(await files.read(`${folder}/outside/kept`), "x");
    },
  },
  {
    name: "tells of what is written and removed in folders that are watched, and of nothing else, where it can watch",
    async run({ host: { files }, folder }) {
      for (const name of ["one", "other"]) await files.makeFolder(`${folder}/${name}`);
      const told: string[] = [];
      const watch = files.watch?.((where) => told.push(where));
      if (watch === undefined) return;
      const heard = async (where: string) => {
        for (const end = Date.now() + 3000; !told.includes(where) && Date.now() < end; ) await new Promise((go) => setTimeout(go, 10));
        assert.deepEqual([...new Set(told.splice(0))], [where]);
      };
      watch.set([`${folder}/one`, `${folder}/missing`]);
      await files.write(`${folder}/other/f`, "x");
      await files.write(`${folder}/one/f`, "x");
      await heard(`${folder}/one`);
      watch.set([`${folder}/other`]);
      await files.remove(`${folder}/one/f`);
      await files.remove(`${folder}/other/f`);
      await heard(`${folder}/other`);
      watch.close();
    },
  },
  {
    name: "removes files and empty folders, but no folder that holds something",
    async run({ host: { files }, folder }) {
      await files.makeFolder(`${folder}/full`);
      await files.write(`${folder}/full/file`, "x");
      await assert.rejects(files.remove(`${folder}/full`), (error) => isFleetError(error));
      await files.rename(`${folder}/full/file`, `${folder}/moved`);
      await files.remove(`${folder}/full`);
      await files.remove(`${folder}/moved`);
      assert.deepEqual(await files.list(folder), []);
    },
  },
];
