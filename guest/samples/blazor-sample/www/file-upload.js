let upload;

window.uploadFile = async () => {
  const [file] = document.getElementById('file').files;
  const result = document.getElementById('result');
  if (!file) {
    result.textContent = 'Choose a file first.';
    return;
  }
  result.textContent = '';
  document.getElementById('progress').value = 0;
  const maxAllowedSize = Number(document.getElementById('limit').value);
  upload = new AbortController();
  try {
    result.textContent = await DotNet.with({ signal: upload.signal }).invokeMethodAsync(
      'BlazorSample',
      'UploadFile',
      DotNet.createJSStreamReference(file),
      maxAllowedSize,
      file.name,
    );
  } catch (error) {
    result.textContent = `${error.kind}: ${error.message}`;
  }
};

window.cancelUpload = () => upload?.abort();

// The guest calls this after each piece, and asks for the next one after the browser has shown it.
window.showProgress = async (received, length) => {
  const progress = document.getElementById('progress');
  progress.max = length;
  progress.value = received;
  await new Promise((resolve) => setTimeout(resolve));
};
