import { tests } from "../../vitest.base.js";

export default tests([
  "fleet/safety",
  "fleet/starting",
  "fleet/pool",
  "fleet/reports",
  "fleet/watch",
  "fleet/probe",
  "fleet/queue",
  "examples/examples",
  "fleet/batch",
  "host/contract",
]);
