//! Streams of the guest that the page reads: `streamToJavaScript`, a download and an image.

use std::io::{self, Read};

use dotwit::Error;
use dotwit::prelude::*;

use crate::view::{Shown, View};

// ANCHOR: stream-to-javascript
// ANCHOR: download-file-from-stream
/// A text that is written line by line while it is read.
struct Lines {
    count: u32,
    written: u32,
    rest: Vec<u8>,
}

impl Lines {
    fn new(count: u32) -> Self {
        Self { count, written: 0, rest: Vec::new() }
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.len() < buffer.len() && self.written < self.count {
            self.written += 1;
            self.rest.extend(format!("This is line {} of {}.\n", self.written, self.count).into_bytes());
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        println!(".NET: {} of {} lines were written", self.written, self.count);
    }
}
// ANCHOR_END: download-file-from-stream

/// The component of `streamToJavaScript`.
pub struct StreamToJavaScript {
    view: View,
}

#[js_invokable]
impl StreamToJavaScript {
    /// The component, before anything was sent.
    #[js_invokable("CreateStreamToJavaScript")]
    pub fn create(view: View) -> DotNetObjectReference<StreamToJavaScript> {
        DotNetObjectReference::new(StreamToJavaScript { view })
    }

    /// Streams 100 000 lines to the page, which reads them all at once, and shows what it found.
    #[js_invokable]
    pub async fn send_stream(&self) -> Result<(), Error> {
        let stream_ref = DotNetStreamReference::from_reader(Lines::new(100_000));
        let result: String = js::invoke("streamToJavaScript", (stream_ref,)).await?;
        self.view.show(Shown { result });
        Ok(())
    }

    /// Streams the same lines to the page, which finds one of them.
    #[js_invokable]
    pub async fn find_line(&self, number: u32) -> Result<(), Error> {
        let stream_ref = DotNetStreamReference::from_reader(Lines::new(100_000));
        let result: String = js::invoke("findLine", (stream_ref, number)).await?;
        self.view.show(Shown { result });
        Ok(())
    }
}
// ANCHOR_END: stream-to-javascript

// ANCHOR: download-file-from-stream
/// The component of `downloadFileFromStream`.
pub struct FileDownload;

#[js_invokable]
impl FileDownload {
    /// The component, which has nothing to show.
    #[js_invokable("CreateFileDownload")]
    pub fn create(_view: Option<JsObjectReference>) -> DotNetObjectReference<FileDownload> {
        DotNetObjectReference::new(FileDownload)
    }

    /// Has the page save a file.
    #[js_invokable]
    pub async fn download_file_from_stream(&self) -> Result<(), Error> {
        let stream_ref = DotNetStreamReference::from_reader(Lines::new(1_000));
        js::invoke_void("downloadFileFromStream", ("log.txt", stream_ref)).await
    }
}
// ANCHOR_END: download-file-from-stream

// ANCHOR: set-image
/// The width and the height of the picture.
const SIZE: i32 = 256;

/// A picture as a BMP file: rings around its centre, with a colour that turns.
fn rings() -> Vec<u8> {
    const HEADER: u32 = 54;
    let pixels = SIZE * SIZE * 3;
    let mut file = b"BM".to_vec();
    // The file's length, two reserved fields, and where the pixels begin; then how the pixels are to be read.
    for field in [HEADER as i32 + pixels, 0, HEADER as i32, 40, SIZE, SIZE, 1 | 24 << 16, 0, pixels, 2835, 2835, 0, 0] {
        file.extend(field.to_le_bytes());
    }
    for row in 0..SIZE {
        for column in 0..SIZE {
            let (x, y) = (f64::from(column - SIZE / 2), f64::from(row - SIZE / 2));
            let (distance, angle) = (x.hypot(y) / 12.0, y.atan2(x));
            file.extend([0.0, 2.0, 4.0].map(|shift| (127.5 + 127.5 * (distance + angle + shift).sin()) as u8));
        }
    }
    file
}

/// The component of `setImage`.
pub struct ImageFromStream;

#[js_invokable]
impl ImageFromStream {
    /// The component, which has nothing to show.
    #[js_invokable("CreateImageFromStream")]
    pub fn create(_view: Option<JsObjectReference>) -> DotNetObjectReference<ImageFromStream> {
        DotNetObjectReference::new(ImageFromStream)
    }

    /// Has the page show a picture in its element with the id `image`.
    #[js_invokable]
    pub async fn set_image(&self) -> Result<(), Error> {
        let image_stream = DotNetStreamReference::from_bytes(rings());
        js::invoke_void("setImage", ("image", image_stream)).await
    }
}
// ANCHOR_END: set-image
