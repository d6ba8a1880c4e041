import { expect, it } from "vitest";
import { localHost } from "../../src/host/local.js";

// zx reads these when it is first loaded, which is below: each would change what a command does.
Object.assign(process.env, { ZX_PREFIX: "touch hijacked;", ZX_VERBOSE: "true", ZX_TIMEOUT: "1ms", ZX_PREFER_LOCAL: "true", ZX_CWD: "/" });

it("runs a command as it is although ZX_ variables of the caller say otherwise", async () => {
  const { $ } = await import("zx/core");
  expect([$.prefix, $.timeout, $.cwd], "zx did read them").toEqual(["touch hijacked;", "1ms", "/"]);
  const result = await localHost().run(["sh", "-c", "sleep 0.05; echo fine; pwd -P"]);
  expect(result).toEqual({ exitCode: 0, exitSignal: null, stdout: `fine\n${process.cwd()}\n`, stderr: "" });
});
