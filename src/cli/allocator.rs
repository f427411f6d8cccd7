//! How the system's allocator treats large blocks.

/// Tells glibc to keep the pages of freed blocks.
///
/// A forward or backward pass makes and drops the same large matrices over and over. By default glibc
/// hands each back to the kernel and faults it in again, zeroed: a tenth of the time of a small model.
/// It holds for blocks of any size in the main arena and up to its heaps' 64 MiB in those of other threads.
/// Elsewhere than on glibc nothing is changed.
pub fn keep_pages() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// The largest threshold that versions before 2.35 accept.
        const FORMERLY_AT_MOST: libc::c_int = 32 << 20;
        // SAFETY: mallopt takes plain numbers, and no other thread has been started yet. An option
        // that is not accepted (it returns 0) leaves the default, which is only slower.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, FORMERLY_AT_MOST);
            libc::mallopt(libc::M_MMAP_THRESHOLD, libc::c_int::MAX);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        }
    }
}
