/* Every request that the page makes: dialling, answering, reading SMS and prompts.
   The PIN is in none of them: it never leaves the page. */

export class Offline extends Error {}
export class Refused extends Error {}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000), ...options });
  } catch {
    throw new Offline();
  }
  if (answer.status >= 500) throw new Offline();
  if (!answer.ok) throw new Refused(String(answer.status));
  return answer.json();
}

const post = (path, form) => ask(path, { method: "POST", body: new URLSearchParams(form) });

export const about = () => ask("/simulator/about");
export const checkNumber = (phone) => ask(`/simulator/numbers?phone=${encodeURIComponent(phone)}`);
export const dial = (phone, code, gateway) => post("/simulator/calls", { phone, code, gateway });
export const answerCall = (call, answer) => post(`/simulator/calls/${call}`, { answer });
export const lookAtCall = (call) => ask(`/simulator/calls/${call}`);
export const hangUp = (call) => ask(`/simulator/calls/${call}`, { method: "DELETE" });
export const received = (phone) => ask(`/simulator/sms?to=${encodeURIComponent(phone)}`);
export const written = (phone) => ask(`/simulator/sms/incoming?from=${encodeURIComponent(phone)}`);
export const writeSms = (phone, text, provider = "") => post("/simulator/sms/incoming", { from: phone, text, provider });
export const prompts = (phone) => ask(`/simulator/prompts?phone=${encodeURIComponent(phone)}`);
export const answerPrompt = (prompt, answer) => post(`/simulator/prompts/${prompt}`, { answer });
