// Loaded into `fleet` with NODE_OPTIONS=--require: its clock is FAULT_CLOCK_MS off.
"use strict";
const off = Number(process.env.FAULT_CLOCK_MS ?? 0);
for (const name of ["FAULT_CLOCK_MS", "NODE_OPTIONS"]) delete process.env[name];
const Real = Date;
class Off extends Real {
  constructor(...args) {
    super(...(args.length === 0 ? [Real.now() + off] : args));
  }
  static now() {
    return Real.now() + off;
  }
}
globalThis.Date = Off;
