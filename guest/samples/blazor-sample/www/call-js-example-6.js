// The guest imports this module: nothing here is global.
export function showPrompt(message) {
  return prompt(message, 'Type anything here');
}
