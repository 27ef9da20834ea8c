//! Streams of the page that the guest reads: `streamToDotNet` and a file upload.

use dotwit::Error;
use dotwit::prelude::*;

use crate::uploads::Upload;
use crate::view::{Shown, View};

/// A checksum that is made chunk by chunk: CRC-32, as zip archives have it.
pub struct Crc32(u32);

impl Crc32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };

    /// The checksum of nothing.
    pub fn new() -> Self {
        Self(u32::MAX)
    }

    /// Goes on with more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 =
            bytes.iter().fold(self.0, |crc, &byte| Self::TABLE[((crc ^ u32::from(byte)) & 0xFF) as usize] ^ (crc >> 8));
    }

    /// The checksum of all bytes.
    pub fn finish(self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

// ANCHOR: stream-to-dotnet
/// The component of `streamToDotNet`.
pub struct StreamToDotNet {
    view: View,
}

#[js_invokable]
impl StreamToDotNet {
    /// The component, before the stream was asked for.
    #[js_invokable("CreateStreamToDotNet")]
    pub fn create(view: View) -> DotNetObjectReference<StreamToDotNet> {
        DotNetObjectReference::new(StreamToDotNet { view })
    }

    /// Reads the page's stream, all 10 000 000 bytes that are allowed, into a file where there are files. Shows how many came and
    /// their checksum.
    #[js_invokable]
    pub async fn read_stream(&self) -> Result<(), Error> {
        let data_reference: JsStreamReference = js::invoke("streamToDotNet", ()).await?;
        let mut data = data_reference.open_read_stream(10_000_000)?;
        let mut received = Received::new("stream-to-dotnet.bin")?;
        while let Some(chunk) = data.next_chunk().await {
            received.add(&chunk?)?;
        }
        self.view.show(Shown { result: received.finish() });
        Ok(())
    }
}
// ANCHOR_END: stream-to-dotnet

// ANCHOR: file-upload
/// The largest file that is taken, whatever the page allows, in bytes.
const MAX_SIZE: u64 = 1_000_000_000;

/// Reads a file, tells the page after each chunk how much has come, and returns the file's checksum. Where there are files, it is
/// copied into one of this name.
#[js_invokable]
pub async fn upload_file(file: JsStreamReference, max_allowed_size: u64, name: String) -> Result<String, Error> {
    let mut stream = file.open_read_stream(max_allowed_size.min(MAX_SIZE))?;
    let mut received = Received::new(&name)?;
    while let Some(chunk) = stream.next_chunk().await {
        received.add(&chunk?)?;
        js::invoke_void("showProgress", (received.length, file.length())).await?;
    }
    Ok(received.finish())
}

// ANCHOR: stream-to-dotnet
/// What has been read of a stream.
struct Received {
    length: usize,
    crc: Crc32,
    upload: Option<Upload>,
}

impl Received {
    fn new(name: &str) -> Result<Received, Error> {
        Ok(Received { length: 0, crc: Crc32::new(), upload: Upload::create(name)? })
    }

    fn add(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.length += chunk.len();
        self.crc.update(chunk);
        self.upload.as_mut().map_or(Ok(()), |upload| upload.write(chunk))
    }

    /// Says how many bytes there were, their checksum, and the name of their file.
    fn finish(self) -> String {
        let read = format!("{} bytes, CRC-32 {:08x}", self.length, self.crc.finish());
        match self.upload.map(Upload::finish) {
            Some(name) => format!("{read}, saved as {name}"),
            None => read,
        }
    }
}
// ANCHOR_END: stream-to-dotnet
// ANCHOR_END: file-upload
