//! Where tokens go while a dataset is packed: the cache, or memory where the cache cannot be written.

use super::store::Writer;
use crate::fault::Result;

/// Takes tokens one after another.
pub enum Sink {
    Cache {
        writer: Writer,
        /// The file system has refused: what is wrong is the cache, not the data.
        failed: bool,
    },
    Memory(Vec<u32>),
}

impl Sink {
    pub fn cache(writer: Writer) -> Sink {
        Sink::Cache { writer, failed: false }
    }

    /// Appends tokens; returns where they start.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn append(&mut self, tokens: &[u32]) -> Result<usize> {
        match self {
            Sink::Cache { writer, failed } => writer.append(tokens).inspect_err(|_| *failed = true),
            Sink::Memory(all) => {
                all.extend_from_slice(tokens);
                Ok(all.len() - tokens.len())
            }
        }
    }
}
