// All at once.
window.streamToJavaScript = async (streamRef) => {
  const data = await streamRef.arrayBuffer();
  return `${data.byteLength} bytes`;
};

// Piece by piece, and no further than needed: the guest writes only the lines that are read.
window.findLine = async (streamRef, number) => {
  const stream = await streamRef.stream();
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let tail = '';
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return `There is no line ${number}.`;
    length += value.length;
    // A line may span two pieces.
    tail = tail.slice(-50) + value;
    if (tail.includes(`This is line ${number} of`)) {
      await reader.cancel();
      return `Line ${number} is in the first ${length} bytes.`;
    }
  }
};
