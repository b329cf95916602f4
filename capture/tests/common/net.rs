//! A network namespace of a test's own, and frames sent in it. Needs root.
#![allow(dead_code, reason = "each test file uses a part")]
#![expect(unsafe_code, reason = "frames are sent through a packet socket, which has no safe interface")]

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::time::SystemTime;

use capture::{Polled, Source, SourceError, SourceSpec};

use super::common::{Kept, drain, udp_frame};

/// A network namespace with a pair of interfaces, `va` and `vb`, that goes when dropped.
pub struct Namespace(String);

impl Namespace {
    /// Makes one and moves this thread into it. `None`, said aloud, without the right to.
    pub fn enter(test: &str) -> Option<Self> {
        let name = format!("capture-{test}-{}", std::process::id());
        if !Command::new("ip").args(["netns", "add", &name]).status().is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: {test}: no right, or no iproute2, to make a network namespace");
            return None;
        }
        let namespace = Self(name);
        let file = File::open(format!("/run/netns/{}", namespace.0)).unwrap();
        rustix::thread::move_into_link_name_space(file.as_fd(), None).unwrap();
        namespace.pair("", "");
        Some(namespace)
    }

    /// The pair, with options for each end.
    pub fn pair(&self, va: &str, vb: &str) {
        let [va, vb] = [va, vb].map(|options| if options.is_empty() { String::new() } else { format!(" {options}") });
        self.ip(&format!("link add va{va} type veth peer name vb{vb}"));
        // No neighbour discovery: every frame is the test's own.
        for interface in ["va", "vb"] {
            self.ip(&format!("link set {interface} addrgenmode none"));
            self.ip(&format!("link set {interface} up"));
        }
        self.wait_until_up();
    }

    /// Waits until both ends carry frames: the kernel hears of a carrier some time after it came, and drops what is sent before.
    pub fn wait_until_up(&self) {
        for interface in ["va", "vb"] {
            let is_up = || {
                let shown = Command::new("ip").args(["-n", &self.0, "link", "show", interface]).output().unwrap();
                String::from_utf8_lossy(&shown.stdout).contains("state UP")
            };
            assert!((0..1000).any(|_| is_up()), "{interface} does not come up");
        }
    }

    pub fn ip(&self, arguments: &str) {
        let status = Command::new("ip").args(["-n", &self.0]).args(arguments.split(' ')).status().unwrap();
        assert!(status.success(), "ip {arguments}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

/// Sends frames out of an interface.
pub struct Sender(OwnedFd);

impl Sender {
    pub fn new(interface: &str) -> Self {
        // SAFETY: no pointers are passed, and the descriptor is nobody else's.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0)) });
        let index = rustix::net::netdevice::name_to_index(&socket.0, interface).unwrap();
        // SAFETY: all zeroes is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as i32;
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the address is a sockaddr_ll of `len` bytes.
        let bound = unsafe { libc::bind(socket.0.as_raw_fd(), (&raw const address).cast(), len) };
        assert_eq!(bound, 0);
        socket
    }

    pub fn send(&self, frame: &[u8]) {
        // SAFETY: the frame is borrowed for the call.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        assert_eq!(sent, frame.len() as isize);
    }
}

/// Opens a source. A process that another test starts at this moment may hold, until it executes its program, what a source held that
/// was just dropped.
pub fn open(spec: &str) -> Vec<Box<dyn Source>> {
    let spec: SourceSpec = spec.parse().unwrap();
    for _ in 0..50 {
        match spec.open() {
            Err(SourceError::Device { error, .. }) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                std::thread::park_timeout(std::time::Duration::from_millis(20));
            }
            opened => return opened.unwrap(),
        }
    }
    spec.open().unwrap()
}

/// Stops a source and reads what it holds.
pub fn finish(source: &mut dyn Source) -> Vec<Kept> {
    source.stop();
    let (frames, problems) = drain(source);
    assert!(problems.is_empty(), "{problems:?}");
    frames
}

#[expect(clippy::disallowed_methods, reason = "to compare with the kernel's timestamps")]
pub fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as i64
}

pub fn open_error(spec: &str) -> SourceError {
    spec.parse::<SourceSpec>().unwrap().open().err().unwrap()
}

/// Polls until the source was offered this many frames.
pub fn wait_for(source: &mut dyn Source, kept: &mut Vec<Kept>, offered: u64) {
    for _ in 0..1000 {
        source.poll(&mut |frame| kept.push(frame.into())).unwrap();
        if source.device().offered >= offered {
            return;
        }
    }
    panic!("{} of {offered} frames were offered", source.device().offered);
}

/// The interface `vb` goes down, comes up again and goes away: a source of it says so, after the frames before.
pub fn assert_tells_of_down_and_gone(namespace: &Namespace, spec: &str) {
    let mut source = open(spec).remove(0);
    let mut kept: Vec<Kept> = Vec::new();
    Sender::new("va").send(&udp_frame((1, 1), b"first"));
    wait_for(source.as_mut(), &mut kept, 1);
    namespace.ip("link set vb down");
    let went_down = (0..1000).find_map(|_| source.poll(&mut |frame| kept.push(frame.into())).err());
    assert!(matches!(went_down, Some(SourceError::InterfaceWentDown { .. })), "{went_down:?}");
    namespace.ip("link set vb up");
    namespace.wait_until_up();
    Sender::new("va").send(&udp_frame((1, 1), b"second"));
    wait_for(source.as_mut(), &mut kept, 2);
    namespace.ip("link del vb");
    let (rest, problems) = drain(source.as_mut());
    kept.extend(rest);
    assert!(matches!(problems[..], [SourceError::InterfaceGone { .. }]), "{problems:?}");
    let texts: Vec<_> = kept.iter().map(|frame| frame.bytes[42..].to_vec()).collect();
    assert_eq!(texts, [b"first".to_vec(), b"second".to_vec()]);
    assert_eq!(source.device().offered, 2);
}

/// A source without frames says that time passes, and never more than has.
pub fn assert_promises_that_time_passes(spec: &str) {
    let mut source = open(spec).remove(0);
    let before = now();
    let promised = (0..100).find_map(|_| match source.poll(&mut |_| {}).unwrap() {
        Polled::Idle { past: Some(past) } if past.0 > before => Some(past.0),
        _ => None,
    });
    assert!(promised.is_some_and(|past| past < now()));
}
