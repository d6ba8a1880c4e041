/**
 * What a terminal's output reads like on paper: escape sequences dropped, a line that was drawn over
 * (carriage return) as it stood last, backspaces applied. Pure; no screen is emulated.
 */
export function plainText(text: string): string {
  return text
    .replace(/\u001b\][\s\S]*?(?:\u0007|\u001b\\)/g, "")
    .replace(/\u001b[PX^_][\s\S]*?\u001b\\/g, "")
    .replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, "")
    .replace(/\u001b[ -/]*[0-~]/g, "")
    .split("\n")
    .map((line) => overwritten(line.replace(/\r+$/, "")))
    .map((line) => line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ""))
    .join("\n");
}

function overwritten(line: string): string {
  const last = line.slice(line.lastIndexOf("\r") + 1);
  let out = "";
  for (const character of last) out = character === "\b" ? out.slice(0, -1) : out + character;
  return out;
}
