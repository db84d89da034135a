/**
 * Awaits a call that only changes something, such as a start or a stop. The engine's answer to these is empty. A 200
 * with content comes from something in between, and does not say whether the change was made.
 */
export async function expectNoContent(answer: Promise<unknown>): Promise<void> {
  const content = await answer;
  const isEmpty =
    content === undefined || content === null || content === '' || (Buffer.isBuffer(content) && content.length === 0);
  if (!isEmpty) throw new TypeError('its answer should be empty.');
}
