import type { BringUpCall } from "../../engine/crew.js";
import type { Warning } from "../../model/index.js";
import type { CallOptions } from "../types.js";

/** A call's options with what it left out filled in. */
export function fill(call: CallOptions | undefined): BringUpCall {
  return { signal: call?.signal, warn: call?.onWarning ?? ignore, progress: call?.onProgress ?? ignore };
}

/** A call that collects its warnings, besides telling the caller. */
export function collecting(call: CallOptions | undefined): { readonly call: CallOptions; readonly warnings: Warning[] } {
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => {
    warnings.push(warning);
    call?.onWarning?.(warning);
  };
  return { call: { ...call, onWarning }, warnings };
}

function ignore(): void {}
