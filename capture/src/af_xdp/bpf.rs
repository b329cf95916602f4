//! Programs and maps of the kernel's BPF machine (bpf(2)).
#![expect(unsafe_code, reason = "bpf(2) has no safe interface in libc or rustix")]

use std::ffi::{CStr, c_long};
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use super::last_error;
use super::memory::Mapping;
use crate::interface::Failed;

// Commands (enum bpf_cmd).
const MAP_CREATE: u32 = 0;
const MAP_UPDATE: u32 = 2;
const MAP_DELETE: u32 = 3;
const PROGRAM_LOAD: u32 = 5;
const PROGRAM_BY_NUMBER: u32 = 13;
const INFORMATION: u32 = 15;
const LINK_CREATE: u32 = 28;

// Kinds of maps (enum bpf_map_type).
const ARRAY: u32 = 2;
const PORTS: u32 = 14;
const SOCKETS: u32 = 17;

/// `BPF_F_MMAPABLE`.
const MAPPABLE: u32 = 1 << 10;
/// `BPF_PROG_TYPE_XDP`.
const PROGRAM_XDP: u32 = 6;
/// `BPF_F_XDP_HAS_FRAGS`: the program can do with frames whose end is elsewhere.
const HAS_FRAGMENTS: u32 = 1 << 5;
/// `BPF_XDP`, a place to attach to.
const ATTACH_XDP: u32 = 37;

/// One instruction (`struct bpf_insn`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub code: u8,
    /// Destination in the low four bits, source in the high ones.
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

#[repr(C)]
struct MapCreate {
    kind: u32,
    key: u32,
    value: u32,
    entries: u32,
    flags: u32,
    inner: u32,
    numa_node: u32,
    name: [u8; 16],
}

#[repr(C)]
struct MapElement {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgramLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach: u32,
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach: u32,
    flags: u32,
}

#[repr(C)]
struct ByNumber {
    number: u32,
    next: u32,
    flags: u32,
}

#[repr(C)]
struct Information {
    object: u32,
    length: u32,
    information: u64,
}

/// The attributes of a command: a prefix of `union bpf_attr`, all of whose bytes are initialised.
trait Attributes {}
impl Attributes for MapCreate {}
impl Attributes for MapElement {}
impl Attributes for ProgramLoad {}
impl Attributes for LinkCreate {}
impl Attributes for ByNumber {}
impl Attributes for Information {}

/// # Safety
/// What the attributes point to must be what the command expects there, for the time of the call.
unsafe fn bpf<T: Attributes>(command: u32, attributes: &T) -> Result<c_long, Errno> {
    let (attributes, size) = (&raw const *attributes, size_of::<T>());
    // SAFETY: the attributes are `size` initialised bytes; the rest is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size) };
    if result < 0 { Err(last_error()) } else { Ok(result) }
}

/// As [`bpf`], for a command that gives a descriptor.
///
/// # Safety
/// As of [`bpf`].
unsafe fn bpf_open<T: Attributes>(command: u32, attributes: &T) -> Result<OwnedFd, Errno> {
    // SAFETY: the caller's promise.
    let fd = unsafe { bpf(command, attributes) }?;
    // SAFETY: the command has opened this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

fn number(fd: &impl AsFd) -> u32 {
    fd.as_fd().as_raw_fd().cast_unsigned()
}

/// A name as the kernel takes it: at most 15 bytes and a zero.
fn name(text: &str) -> [u8; 16] {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().take(15).zip(text.bytes()) {
        *to = from;
    }
    name
}

fn create(kind: u32, [value, entries, flags]: [u32; 3], called: &str) -> Result<OwnedFd, Failed> {
    let attributes = MapCreate { kind, key: 4, value, entries, flags, inner: 0, numa_node: 0, name: name(called) };
    // SAFETY: the attributes hold no pointers.
    unsafe { bpf_open(MAP_CREATE, &attributes) }.map_err(|error| ("making a BPF map", error))
}

/// A map that a program redirects by.
#[derive(Debug)]
pub(super) struct Map(OwnedFd);

impl Map {
    /// From queues to the sockets that take their frames (`BPF_MAP_TYPE_XSKMAP`). A socket that is closed leaves it by itself.
    pub(super) fn of_sockets(queues: u16) -> Result<Self, Failed> {
        create(SOCKETS, [4, queues.into(), 0], "ct_sockets").map(Self)
    }

    /// To one interface (`BPF_MAP_TYPE_DEVMAP`), as entry 0.
    pub(super) fn of_port(interface: u32) -> Result<Self, Failed> {
        let map = Self(create(PORTS, [4, 1, 0], "ct_port")?);
        let value = &raw const interface as u64;
        map.element(MAP_UPDATE, 0, value).map_err(|error| ("giving the program its way on", error))?;
        Ok(map)
    }

    pub(super) fn set(&self, queue: u32, socket: BorrowedFd<'_>) -> Result<(), Failed> {
        let value = socket.as_raw_fd();
        let set = self.element(MAP_UPDATE, queue, &raw const value as u64);
        set.map_err(|error| ("giving the queue to the socket", error))
    }

    pub(super) fn remove(&self, queue: u32) -> Result<(), Errno> {
        self.element(MAP_DELETE, queue, 0)
    }

    /// `value` is 0, or the address of four bytes that live during the call.
    fn element(&self, command: u32, key: u32, value: u64) -> Result<(), Errno> {
        let key = &raw const key as u64;
        let attributes = MapElement { map: number(&self.0), padding: 0, key, value, flags: 0 };
        // SAFETY: key and value are four bytes each, as the map was made, and live during the call.
        unsafe { bpf(command, &attributes) }.map(drop)
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Counters, one a queue, that a program counts in and we read without asking (`BPF_MAP_TYPE_ARRAY`).
#[derive(Debug)]
pub(super) struct Counters {
    map: OwnedFd,
    mapping: Mapping,
}

impl Counters {
    /// Bytes from one counter to the next: a cache line each, since each queue may be another processor's.
    const STRIDE: u32 = 64;

    pub(super) fn new(queues: u16) -> Result<Self, Failed> {
        let map = create(ARRAY, [Self::STRIDE, queues.into(), MAPPABLE], "ct_offered")?;
        let bytes = usize::from(queues) * Self::STRIDE as usize;
        let mapping = Mapping::of(map.as_fd(), 0, bytes).map_err(|error| ("mapping a BPF map", error))?;
        Ok(Self { map, mapping })
    }

    /// What was counted for a queue; 0 for one that there is not.
    pub(super) fn read(&self, queue: u16) -> u64 {
        let at = usize::from(queue) * Self::STRIDE as usize;
        if at >= self.mapping.len() {
            return 0;
        }
        // SAFETY: inside the mapping, at a multiple of 64; the program adds to it atomically meanwhile.
        unsafe { AtomicU64::from_ptr(self.mapping.start().add(at).cast()) }.load(Ordering::Acquire)
    }
}

impl AsFd for Counters {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// An XDP program that the kernel has verified.
#[derive(Debug)]
pub(super) struct Program(OwnedFd);

impl Program {
    pub(super) fn load(instructions: &[Instruction], called: &str) -> Result<Self, Failed> {
        const LICENSE: &CStr = c"MIT";
        let attributes = ProgramLoad {
            kind: PROGRAM_XDP,
            count: instructions.len() as u32,
            instructions: instructions.as_ptr() as u64,
            license: LICENSE.as_ptr() as u64,
            log_level: 0,
            log_size: 0,
            log: 0,
            kernel_version: 0,
            flags: HAS_FRAGMENTS,
            name: name(called),
            interface: 0,
            attach: ATTACH_XDP,
        };
        // SAFETY: `instructions` points to `count` instructions and `license` to a C string; both live during the call.
        let program = unsafe { bpf_open(PROGRAM_LOAD, &attributes) };
        program.map(Self).map_err(|error| ("loading the XDP program", error))
    }

    /// The program of this number. Needs `CAP_SYS_ADMIN`.
    pub(super) fn numbered(number: u32) -> Result<Self, Failed> {
        let attributes = ByNumber { number, next: 0, flags: 0 };
        // SAFETY: the attributes hold no pointers.
        let program = unsafe { bpf_open(PROGRAM_BY_NUMBER, &attributes) };
        program.map(Self).map_err(|error| ("looking at the XDP program that is attached", error))
    }

    /// Whether it was loaded under this name; false where the kernel does not tell.
    pub(super) fn is_called(&self, called: &str) -> bool {
        /// Where the name stands in `struct bpf_prog_info`.
        const NAME: usize = 64;
        let mut information = [0_u8; NAME + 16];
        let attributes = Information {
            object: number(&self.0),
            length: information.len() as u32,
            information: information.as_mut_ptr() as u64,
        };
        // SAFETY: the kernel writes at most `length` bytes to `information`, which lives during the call.
        let told = unsafe { bpf(INFORMATION, &attributes) };
        told.is_ok() && information[NAME..] == name(called)
    }

    /// Attaches it to an interface in `mode` (`XDP_FLAGS_*_MODE`) until the link is dropped: a process that ends, in whatever way,
    /// leaves nothing behind.
    pub(super) fn attach(&self, interface: u32, mode: u32) -> Result<Link, Failed> {
        let attributes = LinkCreate { program: number(&self.0), interface, attach: ATTACH_XDP, flags: mode };
        // SAFETY: the attributes hold no pointers.
        let link = unsafe { bpf_open(LINK_CREATE, &attributes) };
        link.map(Link).map_err(|error| ("attaching the XDP program", error))
    }
}

/// What keeps a program attached.
#[derive(Debug)]
pub(super) struct Link(#[expect(dead_code, reason = "held open, so that the program stays")] OwnedFd);

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
