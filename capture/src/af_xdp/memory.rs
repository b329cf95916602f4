//! Memory that the kernel and this process share.
#![expect(unsafe_code, reason = "mapping memory has no safe interface")]

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

use rustix::io::Errno;

/// A mapping that goes when dropped. Whoever makes references into it has to say why nobody writes there meanwhile.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to this value and has no tie to the thread that made it.
unsafe impl Send for Mapping {}
// SAFETY: a shared reference only gives the address, and using that is unsafe.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// `len` bytes of zeroes.
    pub(super) fn anonymous(len: usize) -> Result<Self, Errno> {
        Self::map(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1, 0)
    }

    /// `len` bytes of what a descriptor offers at `offset`.
    pub(super) fn of(fd: BorrowedFd<'_>, offset: libc::off_t, len: usize) -> Result<Self, Errno> {
        Self::map(len, libc::MAP_SHARED | libc::MAP_POPULATE, fd.as_raw_fd(), offset)
    }

    fn map(len: usize, flags: i32, fd: i32, offset: libc::off_t) -> Result<Self, Errno> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses; the result is checked below.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, fd, offset) };
        if start == libc::MAP_FAILED {
            return Err(super::last_error());
        }
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, len })
    }

    pub(super) const fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `map` with this start and length; references into it borrow this value. A failure
        // would only leave it mapped.
        let _ = unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
