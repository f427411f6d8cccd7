//! Where a network works, as values: device, kernels, precision, and what there is to say of a card. What opens them
//! is [`ops::device`](crate::ops::device).
//!
//! `cpu` is always there; `cuda:N` needs a build with `--features cuda`.

mod card;
mod device;
mod devices;

pub use card::Card;
pub use device::{Device, Kernels, Place, Precision};
pub use devices::Devices;
