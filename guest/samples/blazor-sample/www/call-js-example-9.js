// What is a byte array in the guest is a Uint8Array here.
window.receiveByteArray = (bytes) => new TextDecoder().decode(bytes);
