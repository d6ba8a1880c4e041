/** A process of its own for the lock and store tests: does one thing with the registry in its home. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { homePaths } from "../../src/config/paths.js";
import { procfsDriver } from "../../src/drivers/process/index.js";
import { fileLocks, fileStore } from "../../src/drivers/store/index.js";
import { localHost } from "../../src/host/index.js";
import { sampleRecord } from "../../src/testing/contracts/store.js";

const [, , task = "", home = "", id = ""] = process.argv;
const locks = fileLocks({ processes: procfsDriver({ host: localHost() }) });
const paths = homePaths(home);

if (task === "add") {
  await fileStore({ paths, locks }).update((draft) => void draft.agents.push(sampleRecord(id)));
} else if (task === "hold") {
  await locks.hold(join(home, "thing"), async () => {
    process.stdout.write("held\n");
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  });
} else if (task === "block") {
  await locks.hold(join(home, "thing"), async () => {
    process.stdout.write("held\n");
    // The event loop stands still: no timer can renew anything.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    appendFileSync(join(home, "order"), "blocked\n");
  });
} else if (task === "enter") {
  await locks.hold(
    join(home, "thing"),
    async () => {
      appendFileSync(join(home, "order"), `in ${id}\n`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      appendFileSync(join(home, "order"), `out ${id}\n`);
    },
    { timeoutMs: 25_000 },
  );
}
