/** Says a text to screen readers, politely. The element is in the shell. */
export const announcerId = 'sk-announcer';

export function announce(text: string) {
  const element = document.getElementById(announcerId);
  if (element) element.textContent = text;
}
