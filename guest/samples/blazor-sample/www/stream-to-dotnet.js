// The guest asks for this as a stream, and then for its bytes.
window.streamToDotNet = () => new Uint8Array(10_000_000);
