//! A view of a stream through one reused buffer.

use std::io::{self, ErrorKind, Read};

/// The bytes of a stream that were read and not consumed yet. Reads are as large as the buffer has room for.
pub(super) struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes consumed that have not been read yet.
    to_skip: u64,
    /// Offset in the stream of the window's start.
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R, capacity: usize) -> Self {
        Self { input, buffer: vec![0; capacity.max(1)], start: 0, end: 0, to_skip: 0, offset: 0 }
    }

    /// What is in the window.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Offset in the stream of the window's start.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes the window hold `wanted` bytes at least; `false` where the stream ends before. Callers bound `wanted`: the
    /// buffer grows to it.
    #[inline]
    pub(super) fn ensure(&mut self, wanted: usize) -> io::Result<bool> {
        if self.to_skip == 0 && self.end - self.start >= wanted { Ok(true) } else { self.fill(wanted) }
    }

    pub(super) const fn input(&self) -> &R {
        &self.input
    }

    /// Whether the stream ended where the window starts, and not somewhere beyond.
    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end && self.to_skip == 0
    }

    /// Moves the window's start by `bytes`, also beyond what has been read.
    #[inline]
    pub(super) fn consume(&mut self, bytes: u64) {
        let there = (self.end - self.start) as u64;
        self.offset = self.offset.saturating_add(bytes);
        self.start += bytes.min(there) as usize;
        self.to_skip += bytes.saturating_sub(there);
    }

    #[cold]
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        while self.to_skip > 0 {
            (self.start, self.end) = (0, 0);
            let most = self.to_skip.min(self.buffer.len() as u64) as usize;
            match read(&mut self.input, &mut self.buffer[..most])? {
                0 => return Ok(false),
                skipped => self.to_skip -= skipped as u64,
            }
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if wanted > self.buffer.len() {
            self.buffer.resize(wanted.next_power_of_two(), 0);
        }
        while self.end < wanted {
            match read(&mut self.input, &mut self.buffer[self.end..])? {
                0 => return Ok(false),
                more => self.end += more,
            }
        }
        Ok(true)
    }
}

fn read(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read and has nothing yet every second time.
    struct Dripping<'a>(&'a [u8], bool);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let len = buffer.len().min(1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn a_stream_that_pauses_is_resumed_where_it_was() {
        let mut window = Window::new(Dripping(b"abcdefgh", false), 2);
        let ensure = |window: &mut Window<_>, wanted| {
            loop {
                match window.ensure(wanted) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    result => return result.unwrap(),
                }
            }
        };
        assert!(ensure(&mut window, 3));
        assert_eq!(window.bytes(), b"abc");
        window.consume(5);
        assert!(ensure(&mut window, 2));
        assert_eq!((window.bytes(), window.offset()), (&b"fg"[..], 5));
        window.consume(2);
        assert!(!ensure(&mut window, 2));
        assert!(!window.is_empty());
        window.consume(1);
        assert!(!ensure(&mut window, 1));
        assert!(window.is_empty());
        window.consume(1);
        assert!(!ensure(&mut window, 1));
        assert!(!window.is_empty());
    }
}
