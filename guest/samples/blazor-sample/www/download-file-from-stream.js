window.downloadFileFromStream = async (fileName, contentStreamReference) => {
  const url = URL.createObjectURL(new Blob([await contentStreamReference.arrayBuffer()]));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = fileName;
  anchor.click();
  URL.revokeObjectURL(url);
};
