//! Where tensors live and which kernels run: a value, not a build flavour.
