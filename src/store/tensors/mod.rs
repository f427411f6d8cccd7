//! Tensors on disk: safetensors files.
//!
//! ```text
//! tensor      a tensor on the host and its digest
//! file        any safetensors file: a sound header, then values as float32
//! own         files of this program, float32 alone: the one writer, the one reader
//! named_file  what a user names as a checkpoint: a file, a folder with one, an index of parts
//! ```

mod file;
mod named_file;
mod own;
mod tensor;

pub use file::{shown, Described, TensorFile};
pub use named_file::checkpoint_files;
pub use own::{read, visit, write, write_integers, META};
pub use tensor::{by_name, NamedTensor};
