//! The statements of a script: options, events, and what is skipped.

use wire::SeqNum;

use super::connections::Connections;
use super::error::{Fault, ScriptError};
use super::scanner::Scanner;
use super::settings::Settings;
use super::{Body, Packet, Script, Side, Skip, Skipped, icmp, ip, segment};
use crate::world::LONGEST;

/// Reads a whole script.
pub(super) fn read(text: &str, settings: Settings) -> Result<Script, ScriptError> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        settings,
        packets: Vec::new(),
        skipped: Vec::new(),
        connections: Connections::default(),
        now: 0,
    };
    while !parser.scanner.start()?.is_empty() {
        parser.statement()?;
    }
    Ok(Script {
        family: parser.settings.family(),
        addresses: parser.settings.addresses(&parser.scanner)?,
        packets: parser.packets,
        skipped: parser.skipped,
    })
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    settings: Settings,
    packets: Vec<Packet>,
    skipped: Vec<Skipped>,
    connections: Connections,
    /// When the last event was, ns since the script began.
    now: i64,
}

/// When an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// At an instant.
    At(i64),
    /// As the stack likes it: at this instant at the earliest.
    From(i64),
}

impl Parser<'_> {
    fn statement(&mut self) -> Result<(), ScriptError> {
        let rest = self.scanner.rest();
        if rest.starts_with("--") {
            self.option()
        } else if rest.starts_with('`') {
            self.command()
        } else {
            self.event()
        }
    }

    fn skip(&mut self, kind: Skip, name: &str) {
        self.skipped.push(Skipped { line: self.scanner.line(), kind, name: name.to_owned() });
    }

    /// `--name` or `--name=value`, the value up to a white space outside quotes.
    fn option(&mut self) -> Result<(), ScriptError> {
        self.scanner.expect("--")?;
        let name = self.scanner.word("the name of an option")?;
        let mut value = "";
        if self.scanner.rest().starts_with('=') {
            self.scanner.expect("=")?;
            value = self.scanner.value()?;
        }
        if !self.settings.option(name, value, &self.scanner)? {
            self.skip(Skip::Option, name);
        }
        Ok(())
    }

    fn command(&mut self) -> Result<(), ScriptError> {
        self.skip(Skip::Command, "");
        self.scanner.quoted('`', "the command")
    }

    /// A time and what happens then.
    fn event(&mut self) -> Result<(), ScriptError> {
        let when = self.when()?;
        let (When::At(at) | When::From(at)) = when;
        self.now = at;
        self.scanner.skip_blank()?;
        match self.scanner.rest().as_bytes() {
            [b'<', ..] if when != When::At(at) => Err(self.scanner.fault(Fault::IndefiniteTime)),
            [b'<', ..] => self.packet(Side::Remote),
            [b'>', ..] => self.packet(Side::Local),
            [b'`', ..] => self.command(),
            [b'%', b'{', ..] => {
                self.skip(Skip::Code, "");
                self.scanner.through("}%", "the code")
            }
            [b'.', b'.', b'.', ..] => {
                self.scanner.expect("...")?;
                self.scanner.seconds(LONGEST as u64)?;
                self.call()
            }
            [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => self.call(),
            _ => {
                Err(self.scanner.expected("a packet (< or >), a system call, a command in backticks or code in %{ }%"))
            }
        }
    }

    fn when(&mut self) -> Result<When, ScriptError> {
        if self.scanner.eat("*")? {
            return Ok(When::From(self.now));
        }
        let relative = self.scanner.eat("+")?;
        let base = if relative { self.now } else { 0 };
        let start = self.time(base)?;
        if !self.scanner.eat("~")? {
            return Ok(When::At(start));
        }
        if relative {
            self.scanner.expect("+")?;
        }
        if self.time(base)? < start {
            return Err(self.scanner.fault(Fault::BackwardRange));
        }
        Ok(When::From(start))
    }

    /// A time after `base`, ns.
    fn time(&mut self, base: i64) -> Result<i64, ScriptError> {
        const MOST: u64 = LONGEST as u64;
        let time = self.scanner.seconds(MOST)?.saturating_add(base);
        if time.unsigned_abs() > MOST * 1_000_000_000 {
            return Err(self.scanner.fault(Fault::OutOfRange { what: "the time since the script began", most: MOST }));
        }
        Ok(time)
    }

    fn packet(&mut self, by: Side) -> Result<(), ScriptError> {
        self.scanner.expect(if by == Side::Remote { "<" } else { ">" })?;
        let line = self.scanner.line();
        let ip = ip::fields(&mut self.scanner, &self.settings.defines)?;
        let protocol = self.scanner.peek_word()?;
        if let "udp" | "encap" | "ipv4" | "ipv6" | "gre" | "GREv0" | "mpls" = protocol {
            self.skip(Skip::Packet, protocol);
            self.scanner.rest_of_line();
            return Ok(());
        }
        let read = if protocol == "icmp" { self.message(by)? } else { Some(self.segment(by)?) };
        match read {
            Some((ports, body)) => self.packets.push(Packet { line, at: self.now, by, ports, ip, body }),
            None => self.skip(Skip::Packet, protocol),
        }
        Ok(())
    }

    fn segment(&mut self, by: Side) -> Result<([u16; 2], Body), ScriptError> {
        let written = segment::ports(&mut self.scanner, &self.settings.defines)?;
        let flags = segment::flags(&mut self.scanner)?;
        let ports = self.connections.ports(by, flags, written, &self.settings);
        let isns = self.connections.isns(ports);
        let bases = if flags.syn() { [SeqNum(0); 2] } else { [isns.of(by), isns.of(by.other())] };
        let header = ip::header_len(self.settings.family());
        let segment = segment::read(&mut self.scanner, flags, bases, header, &self.settings.defines)?;
        if flags.syn() {
            self.connections.note_syn(ports, by, segment.seq);
        }
        Ok((ports, Body::Tcp(segment)))
    }

    /// An ICMP message; `None` where it is no error about a segment.
    fn message(&mut self, by: Side) -> Result<Option<([u16; 2], Body)>, ScriptError> {
        let Some(mut error) = icmp::message(&mut self.scanner, self.settings.family(), &self.settings.defines)? else {
            return Ok(None);
        };
        let ports = self.connections.ports_of_message(by, &self.settings);
        error.seq = error.seq.plus(self.connections.isns(ports).of(by.other()).0);
        Ok(Some((ports, Body::Icmp(error))))
    }

    /// A system call with its result: `name(arguments) = result ERRNO (what that means)`.
    fn call(&mut self) -> Result<(), ScriptError> {
        let name = self.scanner.word("the name of a system call")?;
        if name == "socket" {
            self.connections.made_socket();
        }
        self.skip(Skip::Call, name);
        self.group("the arguments of the system call in brackets")?;
        self.scanner.expect("=")?;
        self.result()?;
        self.scanner.skip_blank()?;
        if self.scanner.rest().starts_with(|char: char| char.is_ascii_uppercase()) {
            self.scanner.word("the name of an error")?;
        }
        self.scanner.skip_blank()?;
        if self.scanner.rest().starts_with('(') { self.group("a remark in brackets") } else { Ok(()) }
    }

    /// What a call returns: `...`, or a number, a word or a group, or several joined by `|`.
    fn result(&mut self) -> Result<(), ScriptError> {
        const EXPECTED: &str = "the result of the system call";
        if self.scanner.eat("...")? {
            return Ok(());
        }
        loop {
            self.scanner.eat("-")?;
            self.scanner.skip_blank()?;
            if self.scanner.rest().starts_with(['{', '[', '(']) {
                self.group(EXPECTED)?;
            } else {
                self.scanner.word(EXPECTED)?;
            }
            if !self.scanner.eat("|")? {
                return Ok(());
            }
        }
    }

    /// Everything from a bracket to the one that closes it.
    fn group(&mut self, expected: &'static str) -> Result<(), ScriptError> {
        let mut open = 0_u32;
        loop {
            self.scanner.skip_blank()?;
            match self.scanner.rest().as_bytes().first() {
                Some(b'(' | b'[' | b'{') => open += 1,
                _ if open == 0 => return Err(self.scanner.expected(expected)),
                Some(b')' | b']' | b'}') => open -= 1,
                Some(b'"') => {
                    self.scanner.quoted('"', "the text")?;
                    continue;
                }
                Some(_) => {}
                None => return Err(self.scanner.fault(Fault::Unclosed("the bracket", "one that closes it"))),
            }
            self.scanner.character();
            if open == 0 {
                return Ok(());
            }
        }
    }
}
