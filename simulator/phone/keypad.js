/* Letters on twelve keys: a key pressed again within a second gives the next letter of its cycle. */

export const KEYS = [
  ["1", ".,?"], ["2", "abc"], ["3", "def"], ["4", "ghi"], ["5", "jkl"], ["6", "mno"],
  ["7", "pqrs"], ["8", "tuv"], ["9", "wxyz"], ["*", ""], ["0", "␣"], ["#", "abc"],
];
const CYCLES = {
  1: ".,?'!-:1", 2: "abc2à", 3: "def3éè", 4: "ghi4", 5: "jkl5", 6: "mno6", 7: "pqrs7", 8: "tuv8ù", 9: "wxyz9", 0: " 0",
};
const PAUSE_MS = 1000;

export class Keypad {
  letters = false;
  #key = null;
  #nth = 0;
  #at = 0;

  /* The text after `key`; `room`: whether one letter more fits. */
  type(key, text, room) {
    const cycle = this.letters ? CYCLES[key] : null;
    if (cycle && this.pending === key) {
      this.#nth = (this.#nth + 1) % cycle.length;
      this.#at = performance.now();
      return text.slice(0, -1) + cycle[this.#nth];
    }
    this.settle();
    if (!room) return text;
    if (cycle) this.#begin(key);
    return text + (cycle ? cycle[0] : key);
  }

  #begin(key) {
    this.#key = key;
    this.#nth = 0;
    this.#at = performance.now();
  }

  /* The key whose letter may still change. */
  get pending() {
    return this.#key !== null && performance.now() - this.#at < PAUSE_MS ? this.#key : null;
  }

  /* What was typed stays: another field, or another way of typing. */
  settle() {
    this.#key = null;
  }
}

/* The key that has this letter, however it is written; null where none has. */
export function keyOf(letter) {
  const plain = letter.toLowerCase().normalize("NFD")[0];
  if (/[0-9*#]/.test(plain)) return plain;
  return Object.keys(CYCLES).find((key) => CYCLES[key].includes(plain)) ?? null;
}
