window.setImage = async (imageElementId, imageStream) => {
  const url = URL.createObjectURL(new Blob([await imageStream.arrayBuffer()]));
  const image = document.getElementById(imageElementId);
  image.onload = () => URL.revokeObjectURL(url);
  image.src = url;
};
