/* How many SMS a text costs, as a network counts: GSM-7 letters (some count twice), or 16 bits each if one letter is not among them. */

const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED = "^{}\\[~]|€\f";

/* A letter of two septets, or of two 16-bit units, is never cut: what does not fit goes into the next SMS. */
export function segments(text) {
  const letters = [...text];
  const gsm = letters.every((letter) => BASIC.includes(letter) || EXTENDED.includes(letter));
  const sizes = letters.map((letter) => (gsm ? (EXTENDED.includes(letter) ? 2 : 1) : letter.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const [alone, each] = gsm ? [160, 153] : [70, 67];
  if (units <= alone) return { alphabet: gsm ? "GSM-7" : "UCS-2", units, segments: 1, left: alone - units };
  let segments = 1;
  let filled = 0;
  for (const size of sizes) {
    if (filled + size > each) [segments, filled] = [segments + 1, 0];
    filled += size;
  }
  return { alphabet: gsm ? "GSM-7" : "UCS-2", units, segments, left: each - filled };
}
