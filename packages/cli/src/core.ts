/** The SDK, loaded by those commands that need it, when they need it. Everything else of it is imported as types only. */
export const loadCore = () => import("@aifleet/core");
