//! The XDP program, instruction by instruction: what runs in the kernel for each frame, before anything else sees it.
//!
//! It is so short that a compiler for it would cost every user more than it saves. In C:
//! ```c
//! long to = bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
//! if (to != XDP_REDIRECT)                      // no socket for this queue:
//!     return to;                               // as if there was no program; inline, instead:
//!     // return bpf_redirect_map(&way_on, 0, XDP_PASS);
//! if (bpf_xdp_adjust_meta(ctx, -16) == 0) {    // where the driver leaves room before the frame
//!     u64 *stamp = ctx->data_meta;
//!     u64 now = bpf_ktime_get_tai_ns();
//!     stamp[0] = KEY;
//!     stamp[1] = now;
//! }
//! u64 *offered = bpf_map_lookup_elem(&counters, &ctx->rx_queue_index);
//! if (offered)
//!     __sync_fetch_and_add(offered, 1);
//! return XDP_REDIRECT;
//! ```

use std::os::fd::{AsFd, AsRawFd};

use super::bpf::Instruction;

/// Bytes of metadata that the program puts before a frame: the key, and the time in TAI nanoseconds.
pub(super) const STAMP: u32 = 16;

// Registers: the result, arguments that a call forgets, variables that it keeps, and the top of the stack.
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R4: u8 = 4;
const CONTEXT: u8 = 6;
const QUEUE: u8 = 7;
const STACK: u8 = 10;

// Operation codes (linux/bpf.h, RFC 9669).
const MOVE: u8 = 0xb7;
const MOVE_REGISTER: u8 = 0xbf;
const ADD: u8 = 0x07;
const LOAD_WIDE: u8 = 0x18;
const LOAD_WORD: u8 = 0x61;
const STORE_WORD: u8 = 0x63;
const STORE_DOUBLE: u8 = 0x7b;
const ATOMIC_DOUBLE: u8 = 0xdb;
const JUMP_EQUAL: u8 = 0x15;
const JUMP_UNEQUAL: u8 = 0x55;
const JUMP_GREATER_REGISTER: u8 = 0x2d;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;

/// Of a wide load: its value is the descriptor of a map (`BPF_PSEUDO_MAP_FD`).
const MAP: u8 = 1;

// Helpers (enum bpf_func_id).
const LOOK_UP: i32 = 1;
const REDIRECT_MAP: i32 = 51;
const ADJUST_META: i32 = 54;
const TAI: i32 = 208;

// Verdicts (enum xdp_action).
const PASS: i32 = 2;
const REDIRECT: i32 = 4;

// Places in struct xdp_md.
const DATA: i16 = 0;
const DATA_META: i16 = 8;
const RX_QUEUE: i16 = 16;

/// The program that gives each frame of a queue to the queue's socket.
pub(super) fn receive(sockets: &impl AsFd, counters: &impl AsFd, key: u64) -> Vec<Instruction> {
    let mut code = Assembler::default();
    let no_socket = to_socket(&mut code, sockets, counters, key);
    code.land(no_socket);
    code.push(EXIT, 0, 0, 0);
    code.0
}

/// The same, and frames of a queue without a socket go on to the port in entry 0 of `way_on`.
pub(super) fn forward(sockets: &impl AsFd, counters: &impl AsFd, way_on: &impl AsFd, key: u64) -> Vec<Instruction> {
    let mut code = Assembler::default();
    let no_socket = to_socket(&mut code, sockets, counters, key);
    code.push(EXIT, 0, 0, 0);
    code.land(no_socket);
    code.map(R1, way_on);
    code.set(R2, 0);
    code.set(R3, PASS);
    code.call(REDIRECT_MAP);
    code.push(EXIT, 0, 0, 0);
    code.0
}

/// Redirects the frame to the socket of its queue, stamps and counts it; gives the jump of one without a socket.
fn to_socket(code: &mut Assembler, sockets: &impl AsFd, counters: &impl AsFd, key: u64) -> Jump {
    code.copy(CONTEXT, R1);
    code.load(QUEUE, CONTEXT, RX_QUEUE);
    code.map(R1, sockets);
    code.copy(R2, QUEUE);
    code.set(R3, PASS);
    code.call(REDIRECT_MAP);
    let no_socket = code.jump(JUMP_UNEQUAL, R0, 0, REDIRECT);
    stamp(code, key);
    count(code, counters);
    code.set(R0, REDIRECT);
    no_socket
}

/// Puts the key and the time before the frame, where there is room.
fn stamp(code: &mut Assembler, key: u64) {
    code.copy(R1, CONTEXT);
    code.set(R2, -(STAMP as i32));
    code.call(ADJUST_META);
    let no_room = code.jump(JUMP_UNEQUAL, R0, 0, 0);
    code.call(TAI);
    code.load(R1, CONTEXT, DATA_META);
    code.load(R2, CONTEXT, DATA);
    // The verifier wants to see that the stamp lies before the frame.
    code.copy(R3, R1);
    code.push(ADD, R3, 0, STAMP as i32);
    let no_proof = code.jump(JUMP_GREATER_REGISTER, R3, R2, 0);
    code.wide(R4, 0, key);
    code.store(STORE_DOUBLE, R1, 0, R4);
    code.store(STORE_DOUBLE, R1, 8, R0);
    code.land(no_room);
    code.land(no_proof);
}

/// Counts the frame as offered to its queue's socket.
fn count(code: &mut Assembler, counters: &impl AsFd) {
    const KEY: i16 = -4;
    code.store(STORE_WORD, STACK, KEY, QUEUE);
    code.map(R1, counters);
    code.copy(R2, STACK);
    code.push(ADD, R2, 0, KEY.into());
    code.call(LOOK_UP);
    let no_counter = code.jump(JUMP_EQUAL, R0, 0, 0);
    code.set(R1, 1);
    code.store(ATOMIC_DOUBLE, R0, 0, R1);
    code.land(no_counter);
}

/// Instructions in the making.
#[derive(Default)]
struct Assembler(Vec<Instruction>);

/// A jump forward whose end is not known yet.
#[must_use]
struct Jump(usize);

impl Assembler {
    fn push(&mut self, code: u8, destination: u8, offset: i16, immediate: i32) {
        self.0.push(Instruction { code, registers: destination, offset, immediate });
    }

    fn copy(&mut self, destination: u8, source: u8) {
        self.push(MOVE_REGISTER, destination | source << 4, 0, 0);
    }

    fn set(&mut self, destination: u8, value: i32) {
        self.push(MOVE, destination, 0, value);
    }

    /// A word of memory into a register.
    fn load(&mut self, destination: u8, base: u8, offset: i16) {
        self.push(LOAD_WORD, destination | base << 4, offset, 0);
    }

    /// A register into memory; with [`ATOMIC_DOUBLE`] it is added to what is there.
    fn store(&mut self, code: u8, base: u8, offset: i16, source: u8) {
        self.push(code, base | source << 4, offset, 0);
    }

    /// 64 bits into a register, which takes two instructions; `kind` says whether they mean something.
    fn wide(&mut self, destination: u8, kind: u8, value: u64) {
        self.push(LOAD_WIDE, destination | kind << 4, 0, value as i32);
        self.push(0, 0, 0, (value >> 32) as i32);
    }

    fn map(&mut self, destination: u8, map: &impl AsFd) {
        self.wide(destination, MAP, u64::from(map.as_fd().as_raw_fd().cast_unsigned()));
    }

    fn call(&mut self, helper: i32) {
        self.push(CALL, 0, 0, helper);
    }

    /// A jump to where [`Self::land`] says, if `left` compares so with `right` (of codes that compare registers) or `value`.
    fn jump(&mut self, code: u8, left: u8, right: u8, value: i32) -> Jump {
        self.push(code, left | right << 4, 0, value);
        Jump(self.0.len())
    }

    /// The next instruction is where a jump goes.
    fn land(&mut self, Jump(from): Jump) {
        let distance = self.0.len() - from;
        if let Some(jump) = from.checked_sub(1).and_then(|at| self.0.get_mut(at)) {
            jump.offset = distance as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jump_lands_on_an_instruction_inside_the_program() {
        let (map, key) = (std::io::stdin(), 0x0123_4567_89ab_cdef);
        for code in [receive(&map, &map, key), forward(&map, &map, &map, key)] {
            assert_eq!(code.last().map(|last| last.code), Some(EXIT));
            let jumps = [JUMP_EQUAL, JUMP_UNEQUAL, JUMP_GREATER_REGISTER];
            let targets: Vec<usize> = (0..code.len())
                .filter(|&at| jumps.contains(&code[at].code))
                .map(|at| at + 1 + usize::try_from(code[at].offset).unwrap())
                .collect();
            assert_eq!(targets.len(), 4);
            // Nor in the middle of a wide load, whose second half has the code 0.
            assert!(targets.iter().all(|&target| code.get(target).is_some_and(|instruction| instruction.code != 0)));
        }
    }
}
