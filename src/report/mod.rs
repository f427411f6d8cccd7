//! Tables from records; needs no tensor library.
