import { afterEach, describe, it } from "vitest";
import { procfsDriver, systemInformationDriver } from "../../src/drivers/process/index.js";
import { localHost } from "../../src/host/index.js";
import { type ProcessSubject, processDriverContract } from "../../src/testing/contracts/process-driver.js";
import { makeWorld, type World } from "../support/world.js";
import { memorySubject, realSubject } from "./rig.js";

type Disposable = ProcessSubject & { dispose(): Promise<void> };

const subjects: Record<string, (world: World) => Disposable> = {
  procfs: (world) => realSubject(procfsDriver({ host: localHost({ env: world.env }) }), world.env),
  systeminformation: (world) => realSubject(systemInformationDriver({ host: localHost({ env: world.env }) }), world.env),
  memory: () => memorySubject(),
};

for (const [name, make] of Object.entries(subjects)) {
  describe(`${processDriverContract.port} on ${name}`, () => {
    const open: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of open.splice(0)) await close();
    });
    for (const one of processDriverContract.cases) {
      it(one.name, async () => {
        const world = makeWorld("processes");
        const subject = make(world);
        open.push(
          () => subject.dispose(),
          () => world.dispose(),
        );
        await one.run(subject);
      });
    }
  });
}
