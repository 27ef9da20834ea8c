//! Streams of the page that the guest reads: `streamToDotNet` and a file upload.

use dotwit::Error;
use dotwit::prelude::*;

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

    /// Reads the page's stream, all 10 000 000 bytes that are allowed, and shows how many came and their checksum.
    #[js_invokable]
    pub async fn read_stream(&self) -> Result<(), Error> {
        let data_reference: JsStreamReference = js::invoke("streamToDotNet", ()).await?;
        let mut data = data_reference.open_read_stream(10_000_000)?;
        let (mut length, mut crc) = (0, Crc32::new());
        while let Some(chunk) = data.next_chunk().await {
            let chunk = chunk?;
            length += chunk.len();
            crc.update(&chunk);
        }
        self.view.show(Shown { result: format!("{length} bytes, CRC-32 {:08x}", crc.finish()) });
        Ok(())
    }
}
// ANCHOR_END: stream-to-dotnet

// ANCHOR: file-upload
/// Reads a file, tells the page after each chunk how much has come, and returns the file's checksum.
#[js_invokable]
pub async fn upload_file(file: JsStreamReference, max_allowed_size: u64) -> Result<String, Error> {
    let mut stream = file.open_read_stream(max_allowed_size)?;
    let (mut received, mut crc) = (0, Crc32::new());
    while let Some(chunk) = stream.next_chunk().await {
        let chunk = chunk?;
        received += chunk.len();
        crc.update(&chunk);
        js::invoke_void("showProgress", (received, file.length())).await?;
    }
    Ok(format!("{received} bytes, CRC-32 {:08x}", crc.finish()))
}
// ANCHOR_END: file-upload
