//! Where the files of a results folder go: to a disk, or only into their hashes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::ArchiveError;

/// SHA-256 of every file by its path within the folder.
pub type Files = BTreeMap<String, String>;

/// Takes the files of a results folder one by one.
pub trait Sink {
    /// Takes one file: `fill` writes its content.
    ///
    /// # Errors
    /// [`ArchiveError`] if the content cannot be kept.
    fn file(
        &mut self,
        path: &str,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ArchiveError>;

    /// The hashes of the files so far.
    fn files(&self) -> &Files;
}

/// Keeps the hashes and forgets the files: what a repeated run is compared by.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    files: Files,
}

impl Sink for Digest {
    fn file(
        &mut self,
        path: &str,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ArchiveError> {
        let mut hashing = Hashing::new(io::sink());
        fill(&mut hashing).map_err(|error| ArchiveError::io("cannot hash", path.as_ref(), &error))?;
        self.files.insert(path.to_owned(), hashing.finish().0);
        Ok(())
    }

    fn files(&self) -> &Files {
        &self.files
    }
}

/// SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// Passes bytes on and hashes those that were taken.
pub(super) struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Hashing {
            inner,
            hash: Sha256::new(),
        }
    }

    /// The hash in hexadecimal, and what stood behind.
    pub(super) fn finish(self) -> (String, W) {
        (hex(self.hash.finalize().as_slice()), self.inner)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hash.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
        let mut digest = Digest::default();
        digest
            .file("x", &mut |out| {
                out.write_all(b"a").and_then(|()| out.write_all(b"bc"))
            })
            .expect("nothing can fail");
        assert_eq!(digest.files()["x"], expected);
    }
}
