// An array of numbers, which are no bytes to JSON.
window.convertArray = (win1251Array) => new TextDecoder('windows-1251').decode(new Uint8Array(win1251Array));
