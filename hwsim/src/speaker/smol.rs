//! smoltcp as a speaker: a TCP that others wrote, on simulated time.
//!
//! A host is an `Interface` over a device in memory with one socket. Segments cross its border as IPv4 packets with addresses that
//! only it sees; on our side they are positions again, so that links, tap and truth treat all speakers alike. What the packets say
//! (numbers, windows, options, instants to the microsecond) is smoltcp's; addresses, IPv4 identifications and the bytes of the
//! frame are the simulator's. It has Reno, fast retransmit without recovery, delayed acknowledgments, window scale, and SACK as a
//! receiver. Its timestamps come from a function without an argument, which no simulated clock can be, so it offers none.
//!
//! Why it sends something again it does not tell. But it only ever acts when something arrives or a timer of its own fires, and we
//! know which: that is the cause. Until what a timeout resends is acknowledged, all that is resent belongs to it.

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    HardwareAddress, IpAddress, IpCidr, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr,
    TcpSeqNumber,
};
use wire::{Nanos, TcpFlags};

use super::port::Port;
use super::profile::Profile;
use super::segment::{Blocks, Cause, Offer, Segment};

/// The addresses and ports that smoltcp sees.
const OWN: (Ipv4Address, u16) = (Ipv4Address::new(10, 0, 0, 1), 1001);
const PEER: (Ipv4Address, u16) = (Ipv4Address::new(10, 0, 0, 2), 1002);
/// The peer's initial sequence number, as smoltcp sees it: so far from 2^31 that its sum with a position never gets there, because
/// smoltcp 0.12 adds them as signed numbers where it writes SACK blocks, and would overflow.
const PEER_ISN: u32 = 1;
/// IPv4 and TCP headers without options.
const HEADERS: usize = 40;
/// Bytes that a socket holds to be sent.
const SEND_BUFFER: usize = 65_536;
/// It gives up when the peer has been silent for so long, although something is under way.
const PATIENCE: Duration = Duration::from_secs(90);
/// What every payload consists of.
const FILLING: [u8; 2048] = [b'.'; 2048];

/// A host that runs smoltcp.
pub(super) struct Smol {
    interface: Interface,
    device: Device,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    /// Bytes that the application has written and the socket has not taken yet, and the position after them.
    waiting: u64,
    written: u64,
    closing: bool,
    reads: bool,
    /// The position up to which the application has read, the peer's FIN included.
    read: u64,
    peer_has_closed: bool,
    was_open: bool,
    deaf: bool,
    isn: Option<u32>,
    /// The furthest position that it has sent, and the furthest of the peer that has arrived.
    furthest: u64,
    arrived: u64,
    /// The peer's last window.
    window: u16,
    /// Up to where a timeout resends.
    timeout_until: u64,
    ip_id: u16,
    wakes_at: Nanos,
}

/// What smoltcp takes for its network device.
#[derive(Debug)]
struct Device {
    arriving: Option<Vec<u8>>,
    leaving: Vec<Vec<u8>>,
    mtu: usize,
}

/// A packet that has arrived.
struct Arrived(Vec<u8>);

/// The place for a packet to send.
struct Leaving<'a>(&'a mut Vec<Vec<u8>>);

impl phy::Device for Device {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived, Leaving<'_>)> {
        self.arriving.take().map(|packet| (Arrived(packet), Leaving(&mut self.leaving)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        Some(Leaving(&mut self.leaving))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

impl phy::RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl phy::TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.push(packet);
        result
    }
}

impl std::fmt::Debug for Smol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smol").field("isn", &self.isn).field("read", &self.read).finish_non_exhaustive()
    }
}

impl Smol {
    /// A host with the segment size, receive buffer and seed of `profile`; a responder if it `listens`.
    pub(super) fn new(profile: &Profile, listens: bool) -> Self {
        let mut device = Device { arriving: None, leaving: Vec::new(), mtu: usize::from(profile.mss) + HEADERS };
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = u64::from(profile.isn);
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            // It takes two by default.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(OWN.0), 24));
        });
        let receives = SocketBuffer::new(vec![0; profile.window as usize]);
        let mut socket = Socket::new(receives, SocketBuffer::new(vec![0; SEND_BUFFER]));
        socket.set_congestion_control(CongestionControl::Reno);
        socket.set_timeout(Some(PATIENCE));
        if listens {
            // Its port is not 0 and it is not open yet: the only errors that there are.
            let _ = socket.listen(OWN.1);
        }
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Self {
            interface,
            device,
            sockets,
            handle,
            waiting: 0,
            written: 1,
            closing: false,
            reads: true,
            read: 0,
            peer_has_closed: false,
            was_open: false,
            deaf: false,
            isn: None,
            furthest: 0,
            arrived: 0,
            window: u16::MAX,
            timeout_until: 0,
            ip_id: profile.ip_id,
            wakes_at: Nanos::MAX,
        }
    }

    /// Its initial sequence number, once its SYN is sent.
    pub(super) fn isn(&self) -> u32 {
        self.isn.unwrap_or(0)
    }

    /// Whether its application can exchange data.
    pub(super) const fn is_open(&self) -> bool {
        self.was_open && !self.deaf
    }

    /// Whether it has no such connection any more.
    pub(super) fn is_gone(&self) -> bool {
        self.deaf || (self.was_open && self.socket().state() == State::Closed)
    }

    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    pub(super) const fn peer_has_closed(&self) -> bool {
        self.peer_has_closed
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closing
    }

    pub(super) const fn wakes_at(&self) -> Nanos {
        self.wakes_at
    }

    /// Sends its SYN.
    pub(super) fn connect(&mut self, now: Nanos, port: &mut Port<'_>) {
        let remote = (IpAddress::Ipv4(PEER.0), PEER.1);
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        // Neither port is 0 and the socket is fresh: the only errors that there are.
        let _ = socket.connect(self.interface.context(), remote, OWN.1);
        self.poll(false, now, port);
    }

    /// Its application writes; gives the position after what it has written.
    pub(super) const fn write(&mut self, bytes: u64) -> u64 {
        if !self.closing {
            self.waiting += bytes;
            self.written += bytes;
        }
        self.written
    }

    /// Its application closes.
    pub(super) const fn close(&mut self) {
        self.closing = true;
    }

    /// Its application stops reading, or goes on.
    pub(super) fn set_reading(&mut self, reads: bool, now: Nanos, port: &mut Port<'_>) {
        self.reads = reads;
        self.poll(false, now, port);
    }

    /// Its application resets the connection.
    pub(super) fn reset(&mut self, now: Nanos, port: &mut Port<'_>) {
        self.sockets.get_mut::<Socket<'_>>(self.handle).abort();
        self.waiting = 0;
        self.poll(false, now, port);
    }

    /// Its host is gone.
    pub(super) const fn vanish(&mut self) {
        self.deaf = true;
        self.wakes_at = Nanos::MAX;
    }

    /// A segment has arrived.
    pub(super) fn receive(&mut self, segment: &Segment, now: Nanos, port: &mut Port<'_>) {
        if self.deaf {
            return;
        }
        self.window = segment.window;
        self.arrived = self.arrived.max(segment.end());
        self.device.arriving = Some(self.packet(segment));
        self.poll(false, now, port);
    }

    /// A timer has fired.
    pub(super) fn wake(&mut self, now: Nanos, port: &mut Port<'_>) {
        self.poll(true, now, port);
    }

    /// Sends what its application has written meanwhile.
    pub(super) fn flush(&mut self, now: Nanos, port: &mut Port<'_>) {
        if !self.deaf {
            self.poll(false, now, port);
        }
    }

    fn socket(&self) -> &Socket<'static> {
        self.sockets.get(self.handle)
    }

    /// Lets smoltcp do all that it can do now.
    fn poll(&mut self, by_timer: bool, now: Nanos, port: &mut Port<'_>) {
        let instant = Instant::from_micros(now.0 / 1000);
        let mut sent_any = false;
        loop {
            self.serve_application();
            self.interface.poll(instant, &mut self.device, &mut self.sockets);
            self.serve_application();
            let leaving = std::mem::take(&mut self.device.leaving);
            if leaving.is_empty() {
                break;
            }
            sent_any = true;
            for packet in leaving {
                self.send(&packet, by_timer, now, port);
            }
        }
        self.wakes_at = match self.interface.poll_at(instant, &self.sockets) {
            Some(at) if at > instant => Nanos(at.total_micros().saturating_mul(1000)),
            // It says "now" and yet has nothing to send: it waits for something to arrive.
            Some(_) if !sent_any => Nanos::MAX,
            Some(_) => now.plus(1000),
            None => Nanos::MAX,
        };
    }

    /// Moves bytes between socket and application.
    fn serve_application(&mut self) {
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        self.was_open |= socket.may_send() || matches!(socket.state(), State::CloseWait | State::FinWait1);
        while self.waiting > 0 && socket.can_send() {
            let len = self.waiting.min(FILLING.len() as u64) as usize;
            let taken = socket.send_slice(&FILLING[..len]).unwrap_or(0);
            self.waiting -= taken as u64;
        }
        if self.closing && self.waiting == 0 && self.was_open {
            socket.close();
        }
        if !self.reads {
            return;
        }
        while socket.can_recv() {
            let taken = socket.recv(|bytes| (bytes.len(), bytes.len())).unwrap_or(0);
            self.read = self.read.max(1) + taken as u64;
        }
        let states = [State::CloseWait, State::LastAck, State::Closing, State::TimeWait];
        if !self.peer_has_closed && states.contains(&socket.state()) {
            self.peer_has_closed = true;
            self.read = self.read.max(1) + 1;
        }
    }

    /// Sends a packet of smoltcp's as a segment.
    fn send(&mut self, packet: &[u8], by_timer: bool, now: Nanos, port: &mut Port<'_>) {
        let Some(mut segment) = self.segment(packet) else { return };
        let end = segment.end();
        if end > segment.seq && segment.seq < self.furthest {
            segment.cause = self.cause(&segment, by_timer);
        } else if segment.len == 1 && self.window == 0 {
            segment.cause = Cause::Probe;
        }
        self.furthest = self.furthest.max(end);
        segment.ip_id = self.ip_id;
        self.ip_id = self.ip_id.wrapping_add(1);
        port.send(segment, now);
    }

    fn cause(&mut self, segment: &Segment, by_timer: bool) -> Cause {
        if segment.flags.syn() {
            return Cause::Syn;
        }
        if self.window == 0 && segment.len == 1 {
            return Cause::Probe;
        }
        if by_timer {
            self.timeout_until = self.furthest;
        }
        match segment.len {
            0 => Cause::Fin,
            _ if segment.seq < self.timeout_until => Cause::Timeout,
            _ => Cause::Fast,
        }
    }

    /// A packet of smoltcp's in positions.
    fn segment(&mut self, packet: &[u8]) -> Option<Segment> {
        let ip = Ipv4Packet::new_checked(packet).ok()?;
        let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
        let (own, peer) = (IpAddress::Ipv4(OWN.0), IpAddress::Ipv4(PEER.0));
        let header = TcpRepr::parse(&tcp, &own, &peer, &ChecksumCapabilities::ignored()).ok()?;
        let seq = header.seq_number.0 as u32;
        if tcp.syn() {
            self.isn = Some(seq);
        }
        let isn = self.isn.unwrap_or(seq);
        let ack = header.ack_number.map_or(0, |ack| near(self.arrived, (ack.0 as u32).wrapping_sub(PEER_ISN)));
        let mut sack = Blocks::default();
        for (left, right) in header.sack_ranges.into_iter().flatten() {
            let position = |number: u32| near(ack, number.wrapping_sub(PEER_ISN));
            sack.push((position(left), position(right)));
        }
        let offer = Offer {
            mss: header.max_seg_size.unwrap_or(0),
            wscale: header.window_scale,
            sack: header.sack_permitted,
            cookie: None,
        };
        Some(Segment {
            seq: near(self.furthest, seq.wrapping_sub(isn)),
            ack,
            len: header.payload.len() as u16,
            window: header.window_len,
            flags: flags(&tcp),
            offer: tcp.syn().then_some(offer),
            sack,
            ..Segment::default()
        })
    }

    /// A segment of the peer as a packet for smoltcp.
    fn packet(&self, segment: &Segment) -> Vec<u8> {
        let flags = segment.flags;
        let number = |isn: u32, position: u64| isn.wrapping_add(position as u32);
        let control = match () {
            () if flags.rst() => TcpControl::Rst,
            () if flags.syn() => TcpControl::Syn,
            () if flags.fin() => TcpControl::Fin,
            () if flags.has(TcpFlags::PSH) => TcpControl::Psh,
            () => TcpControl::None,
        };
        let mut sack_ranges = [None; 3];
        for (range, &(left, right)) in sack_ranges.iter_mut().zip(segment.sack.as_slice()) {
            *range = Some((number(self.isn(), left), number(self.isn(), right)));
        }
        let payload = vec![FILLING[0]; usize::from(segment.len)];
        let tcp = TcpRepr {
            src_port: PEER.1,
            dst_port: OWN.1,
            control,
            seq_number: TcpSeqNumber(number(PEER_ISN, segment.seq) as i32),
            ack_number: flags.ack().then(|| TcpSeqNumber(number(self.isn(), segment.ack) as i32)),
            window_len: segment.window,
            window_scale: segment.offer.and_then(|offer| offer.wscale),
            max_seg_size: segment.offer.map(|offer| offer.mss),
            sack_permitted: segment.offer.is_some_and(|offer| offer.sack),
            sack_ranges,
            timestamp: None,
            payload: &payload,
        };
        let ip = Ipv4Repr {
            src_addr: PEER.0,
            dst_addr: OWN.0,
            next_header: IpProtocol::Tcp,
            payload_len: tcp.buffer_len(),
            hop_limit: 64,
        };
        let mut packet = vec![0; ip.buffer_len() + tcp.buffer_len()];
        let mut header = Ipv4Packet::new_unchecked(&mut packet);
        ip.emit(&mut header, &ChecksumCapabilities::ignored());
        let mut body = TcpPacket::new_unchecked(header.payload_mut());
        let (own, peer) = (IpAddress::Ipv4(OWN.0), IpAddress::Ipv4(PEER.0));
        tcp.emit(&mut body, &peer, &own, &ChecksumCapabilities::ignored());
        packet
    }
}

/// The position nearest to `known` whose low 32 bits are these.
fn near(known: u64, low: u32) -> u64 {
    let ahead = low.wrapping_sub(known as u32) as i32;
    known.saturating_add_signed(i64::from(ahead))
}

fn flags<T: AsRef<[u8]>>(tcp: &TcpPacket<T>) -> TcpFlags {
    let bits = [
        (tcp.fin(), TcpFlags::FIN),
        (tcp.syn(), TcpFlags::SYN),
        (tcp.rst(), TcpFlags::RST),
        (tcp.psh(), TcpFlags::PSH),
        (tcp.ack(), TcpFlags::ACK),
    ];
    bits.into_iter().filter(|(is_set, _)| *is_set).fold(TcpFlags::default(), |flags, (_, flag)| flags.with(flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_for_the_nearest_position_that_has_it() {
        assert_eq!(near(0, 5), 5);
        assert_eq!(near(0xffff_fff0, 3), 0x1_0000_0003);
        assert_eq!(near(0x1_0000_0003, 0xffff_fff0), 0xffff_fff0);
        assert_eq!(near(3, 0xffff_fff0), 0, "there is nothing before the beginning");
    }
}
