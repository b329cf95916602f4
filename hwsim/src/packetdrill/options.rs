//! TCP options: `<mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>`.

use wire::SeqNum;

use super::OptionBytes;
use super::error::{Fault, ScriptError};
use super::scanner::{Defines, Scanner};

/// Kinds of option (IANA, TCP Option Kind Numbers).
mod kind {
    pub(super) const END: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const MD5: u8 = 19;
    pub(super) const MPTCP: u8 = 30;
    pub(super) const FAST_OPEN: u8 = 34;
    pub(super) const ACCURATE_ECN_0: u8 = 172;
    pub(super) const ACCURATE_ECN_1: u8 = 174;
    pub(super) const EXPERIMENT: u8 = 254;
}

/// How the experiment before RFC 7413 marked TCP Fast Open.
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

const EXPECTED: &str = "an option (mss, wscale, sackOK, sack, TS, FO, FOEXP, ECN, md5, mptcp, nop, eol or ...)";

impl OptionBytes {
    /// No options.
    pub(super) const NONE: Self = Self { bytes: [0; Self::MOST], len: 0 };
}

/// Reads options from after the `<` to the `>`. `base` is what acknowledged numbers count from.
pub(super) fn read(scanner: &mut Scanner<'_>, base: SeqNum, defines: &Defines) -> Result<OptionBytes, ScriptError> {
    if scanner.eat("...")? {
        scanner.expect(">")?;
        return Ok(OptionBytes::NONE);
    }
    let mut list = List { scanner, base, defines, bytes: Vec::new() };
    loop {
        list.option()?;
        if list.scanner.eat(">")? {
            break;
        }
        list.scanner.expect(",")?;
    }
    let bytes = list.bytes;
    let mut options = OptionBytes::NONE;
    let Some(room) = options.bytes.get_mut(..bytes.len()) else {
        return Err(scanner.fault(Fault::OptionsTooLong(bytes.len())));
    };
    if !bytes.len().is_multiple_of(4) {
        return Err(scanner.fault(Fault::OptionsUnpadded(bytes.len())));
    }
    room.copy_from_slice(&bytes);
    options.len = bytes.len() as u8;
    Ok(options)
}

struct List<'a, 'b> {
    scanner: &'a mut Scanner<'b>,
    base: SeqNum,
    defines: &'a Defines,
    bytes: Vec<u8>,
}

impl List<'_, '_> {
    fn option(&mut self) -> Result<(), ScriptError> {
        let name = self.scanner.word(EXPECTED)?;
        match name {
            "nop" => self.bytes.push(kind::NOP),
            "eol" => self.bytes.push(kind::END),
            "mss" => {
                let mss = self.number("the maximum segment size", u64::from(u16::MAX))? as u16;
                self.put(kind::MSS, &mss.to_be_bytes())?;
            }
            "wscale" => {
                let shift = self.number("the window scale", u64::from(u8::MAX))? as u8;
                self.put(kind::WINDOW_SCALE, &[shift])?;
            }
            "sackOK" => self.put(kind::SACK_PERMITTED, &[])?,
            "sack" => self.sack()?,
            "TS" => self.timestamps()?,
            "FO" => self.hex(kind::FAST_OPEN, &[])?,
            "FOEXP" => self.hex(kind::EXPERIMENT, &FAST_OPEN_MAGIC)?,
            "md5" => self.hex(kind::MD5, &[])?,
            "mptcp" => self.hex(kind::MPTCP, &[])?,
            "ECN" => self.accurate_ecn()?,
            _ => return Err(self.scanner.expected_value(EXPECTED, name)),
        }
        Ok(())
    }

    /// Adds an option with its length.
    fn put(&mut self, kind: u8, data: &[u8]) -> Result<(), ScriptError> {
        let len = 2 + data.len();
        if len > OptionBytes::MOST {
            return Err(self.scanner.fault(Fault::OptionsTooLong(len)));
        }
        self.bytes.extend_from_slice(&[kind, len as u8]);
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    fn number(&mut self, what: &'static str, most: u64) -> Result<u64, ScriptError> {
        self.scanner.number(what, most, self.defines)
    }

    fn number32(&mut self, what: &'static str) -> Result<[u8; 4], ScriptError> {
        self.number(what, u64::from(u32::MAX)).map(|number| (number as u32).to_be_bytes())
    }

    /// `left:right`, one or more.
    fn sack(&mut self) -> Result<(), ScriptError> {
        let mut blocks = Vec::new();
        loop {
            blocks.extend(self.edge("the left edge of a block")?);
            self.scanner.expect(":")?;
            blocks.extend(self.edge("the right edge of a block")?);
            self.scanner.skip_blank()?;
            if self.scanner.rest().starts_with([',', '>']) {
                return self.put(kind::SACK, &blocks);
            }
        }
    }

    fn edge(&mut self, what: &'static str) -> Result<[u8; 4], ScriptError> {
        let number = u32::from_be_bytes(self.number32(what)?);
        Ok(self.base.plus(number).0.to_be_bytes())
    }

    fn timestamps(&mut self) -> Result<(), ScriptError> {
        self.scanner.expect("val")?;
        let value = self.number32("the timestamp's value")?;
        self.scanner.expect("ecr")?;
        let echo = self.number32("the timestamp's echo")?;
        self.put(kind::TIMESTAMPS, [value, echo].as_flattened())
    }

    /// Pairs of hexadecimal digits, or none at all, after `prefix`.
    fn hex(&mut self, kind: u8, prefix: &[u8]) -> Result<(), ScriptError> {
        const HEX: &str = "pairs of hexadecimal digits";
        let word = self.scanner.peek_word()?;
        let digits = self.defines.get(word).map_or(word, String::as_str);
        let mut data = prefix.to_vec();
        for pair in digits.as_bytes().chunks(2) {
            let byte = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
            let byte = byte.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            data.push(byte.ok_or_else(|| self.scanner.expected(HEX))?);
        }
        if !word.is_empty() {
            self.scanner.word(HEX)?;
        }
        self.put(kind, &data)
    }

    /// Counters of bytes by codepoint (RFC 9768, 3.2.3): the first names the order of all.
    fn accurate_ecn(&mut self) -> Result<(), ScriptError> {
        const E0B: &str = "e0b";
        const E1B: &str = "e1b";
        let zero_first = self.scanner.eat_word(E0B)?;
        if !zero_first {
            self.scanner.expect(E1B)?;
        }
        let (kind, last) = if zero_first { (kind::ACCURATE_ECN_0, E1B) } else { (kind::ACCURATE_ECN_1, E0B) };
        let mut counters = self.counter()?;
        if self.scanner.eat_word("ceb")? {
            counters.extend(self.counter()?);
            if self.scanner.eat_word(last)? {
                counters.extend(self.counter()?);
            }
        }
        self.put(kind, &counters)
    }

    fn counter(&mut self) -> Result<Vec<u8>, ScriptError> {
        let counter = self.number("a counter of bytes", 0xff_ffff)? as u32;
        Ok(counter.to_be_bytes()[1..].to_vec())
    }
}
