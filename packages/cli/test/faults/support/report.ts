import { appendFileSync } from "node:fs";

/** Whether every step is to be tried, and not a sample of them. */
export const LONG = process.env.FLEET_FAULTS === "long";
/** How often the long form does it all. */
export const ROUNDS = LONG ? Number(process.env.FLEET_FAULTS_ROUNDS ?? 1) : 1;

/** Notes a figure for the table that `npm run test:faults` prints. */
export function figure(guarantee: string, what: string, result: string): void {
  const file = process.env.FLEET_FAULTS_REPORT;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ guarantee, what, result })}\n`);
}
