//! Datasets: reading the published layout, checking it, hashing its content, packing it, making synthetic ones.
