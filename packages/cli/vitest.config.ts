import { tests } from "../../vitest.base.js";

export default tests([
  "e2e/works",
  "faults/hostile-strings",
  "e2e/refused",
  "faults/users-hands",
  "faults/users-work",
  "faults/broken-tools",
  "faults/killed-at-every-step",
  "e2e/interrupt",
  "faults/contention",
  "faults/reboot",
  "fleet",
  "faults/processes",
  "faults/churn",
]);
