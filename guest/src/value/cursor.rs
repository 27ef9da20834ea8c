//! Bytes that are read in parts.

/// Bytes of which the first `at` have been read.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    bytes: Vec<u8>,
    at: usize,
}

impl Cursor {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next bytes, `max` at most, without a copy if nothing has been read and they all fit.
    pub(super) fn next(&mut self, max: usize) -> Vec<u8> {
        if self.at == 0 && self.bytes.len() <= max {
            return std::mem::take(&mut self.bytes);
        }
        let rest = &self.bytes[self.at..];
        let next = rest[..rest.len().min(max)].to_vec();
        self.advance(next.len());
        next
    }

    /// Copies the next bytes, and returns how many.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        self.advance(count);
        count
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        if self.is_empty() {
            *self = Self::default();
        }
    }
}
