export { fileStore } from "./file-store.js";
export { fileJournal } from "./journal.js";
export { fileLocks } from "./locks.js";
export { fileObservations } from "./observations.js";
