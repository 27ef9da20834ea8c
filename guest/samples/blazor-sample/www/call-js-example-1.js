// An array of numbers: JSON has no bytes.
window.convertArray = (win1251Array) => new TextDecoder('windows-1251').decode(new Uint8Array(win1251Array));
