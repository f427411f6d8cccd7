//! Operations on dfdx's tape: fused for the CPU, composed of dfdx primitives for any device.
