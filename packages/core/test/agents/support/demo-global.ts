import { demoProgram } from "./demo-program.js";

/** For `globalSetup`: lets every test that runs from the sources use the `demo` adapter without a build. */
export function setup(): void {
  process.env.AIFLEET_DEMO_AGENT ??= demoProgram();
}
