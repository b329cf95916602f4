//! The text of a script, taken in token by token.

use std::collections::BTreeMap;

use super::error::{Fault, ScriptError};

/// Words that stand for others (`--define NAME=VALUE`).
pub(super) type Defines = BTreeMap<String, String>;

/// A place in the text. White space and comments before a token are skipped.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
    /// Line of what follows.
    next_line: u32,
    /// Line in which the last token ended.
    line: u32,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text, next_line: 1, line: 1 }
    }

    /// The line of the last token.
    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    /// Skips white space and comments.
    pub(super) fn skip_blank(&mut self) -> Result<(), ScriptError> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.advance(blank);
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.advance(end);
            } else if self.rest.starts_with("/*") {
                let Some(end) = self.rest.find("*/") else {
                    return Err(self.fault_at(self.next_line, Fault::Unclosed("the comment", "*/")));
                };
                self.advance(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.next_line += passed.matches('\n').count() as u32;
        self.rest = rest;
    }

    /// Takes so many bytes as a token.
    fn take(&mut self, bytes: usize) -> &'a str {
        let token = self.rest.get(..bytes).unwrap_or(self.rest);
        self.advance(bytes);
        self.line = self.next_line;
        token
    }

    /// What follows, without moving on; blanks must have been skipped.
    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    /// Takes `token` if it comes next.
    pub(super) fn eat(&mut self, token: &str) -> Result<bool, ScriptError> {
        self.skip_blank()?;
        let comes = self.rest.starts_with(token);
        if comes {
            self.take(token.len());
        }
        Ok(comes)
    }

    /// Takes the word `word` if it comes next as a whole.
    pub(super) fn eat_word(&mut self, word: &str) -> Result<bool, ScriptError> {
        let comes = self.peek_word()? == word;
        if comes {
            self.take(word.len());
        }
        Ok(comes)
    }

    /// The word that comes next, or nothing.
    pub(super) fn peek_word(&mut self) -> Result<&'a str, ScriptError> {
        self.skip_blank()?;
        let len = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        Ok(self.rest.get(..len).unwrap_or_default())
    }

    /// Takes a word.
    pub(super) fn word(&mut self, expected: &'static str) -> Result<&'a str, ScriptError> {
        let word = self.peek_word()?;
        if word.is_empty() { Err(self.expected(expected)) } else { Ok(self.take(word.len())) }
    }

    /// Takes what stands before the next white space.
    pub(super) fn run(&mut self) -> Result<&'a str, ScriptError> {
        self.skip_blank()?;
        let len = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        Ok(self.take(len))
    }

    /// Takes the rest of the line.
    pub(super) fn rest_of_line(&mut self) {
        let len = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(len);
    }

    /// Takes `token`, which must come next.
    pub(super) fn expect(&mut self, token: &'static str) -> Result<(), ScriptError> {
        if self.eat(token)? { Ok(()) } else { Err(self.expected(token)) }
    }

    /// Takes a number, decimal or after `0x` hexadecimal, or a word that is defined as one.
    pub(super) fn number(&mut self, what: &'static str, most: u64, defines: &Defines) -> Result<u64, ScriptError> {
        let word = self.peek_word()?;
        let digits = defines.get(word).map_or(word, String::as_str);
        let number = match digits.strip_prefix("0x") {
            Some(hex) if is_all(hex, |byte| byte.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16),
            None if is_all(digits, |byte| byte.is_ascii_digit()) => digits.parse(),
            _ => return Err(self.expected(what)),
        };
        self.take(word.len());
        number.ok().filter(|number| *number <= most).ok_or_else(|| self.fault(Fault::OutOfRange { what, most }))
    }

    /// Takes a decimal fraction of seconds; gives nanoseconds, digits beyond them cut off.
    pub(super) fn seconds(&mut self, longest: u64) -> Result<i64, ScriptError> {
        const EXPECTED: &str = "a time in seconds";
        self.skip_blank()?;
        let whole = digits(self.rest);
        let after = self.rest.get(whole.len()..).unwrap_or_default();
        let fraction = after.strip_prefix('.').map_or("", digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(self.expected(EXPECTED));
        }
        self.take(whole.len() + if fraction.is_empty() { 0 } else { 1 + fraction.len() });
        let out_of_range = || self.fault(Fault::OutOfRange { what: EXPECTED, most: longest });
        let seconds: i64 = if whole.is_empty() { Ok(0) } else { whole.parse() }.map_err(|_| out_of_range())?;
        let nanos = fraction.bytes().chain([b'0'; 9]).take(9).fold(0, |sum, digit| 10 * sum + i64::from(digit - b'0'));
        if seconds.unsigned_abs() > longest {
            return Err(out_of_range());
        }
        Ok(seconds * 1_000_000_000 + nanos)
    }

    /// Takes what stands between two of `quote`, itself included; a backslash takes the meaning from what follows it.
    pub(super) fn quoted(&mut self, quote: char, what: &'static str) -> Result<(), ScriptError> {
        let mut escaped = true;
        for (at, char) in self.rest.char_indices() {
            if char == quote && !escaped {
                self.take(at + char.len_utf8());
                return Ok(());
            }
            escaped = !escaped && char == '\\';
        }
        let close = if quote == '`' { "`" } else { "\"" };
        Err(self.fault_at(self.next_line, Fault::Unclosed(what, close)))
    }

    /// Takes everything up to and with `end`.
    pub(super) fn through(&mut self, end: &'static str, what: &'static str) -> Result<(), ScriptError> {
        let Some(at) = self.rest.find(end) else {
            return Err(self.fault_at(self.next_line, Fault::Unclosed(what, end)));
        };
        self.take(at + end.len());
        Ok(())
    }

    /// Takes what stands before the next white space outside quotes.
    pub(super) fn value(&mut self) -> Result<&'a str, ScriptError> {
        let whole = self.rest;
        while let Some(next) = self.rest.chars().next().filter(|next| !next.is_whitespace()) {
            match next {
                '"' | '`' => self.quoted(next, "the value")?,
                _ => self.character(),
            }
        }
        Ok(whole.get(..whole.len() - self.rest.len()).unwrap_or_default())
    }

    /// Takes one character.
    pub(super) fn character(&mut self) {
        self.take(self.rest.chars().next().map_or(0, char::len_utf8));
    }

    /// The error that a value is not what was expected.
    pub(super) fn expected_value(&self, expected: &'static str, found: &str) -> ScriptError {
        self.fault(Fault::Expected { expected, found: format!("\"{found}\"") })
    }

    /// The error that something else was expected here.
    pub(super) fn expected(&self, expected: &'static str) -> ScriptError {
        const SHOWN: usize = 24;
        let found = match self.rest.split_whitespace().next() {
            None => "the end of the script".to_owned(),
            Some(_) if self.next_line != self.line => "the end of the line".to_owned(),
            Some(word) => format!("\"{}\"", word.chars().take(SHOWN).collect::<String>()),
        };
        self.fault(Fault::Expected { expected, found })
    }

    /// The error that something is wrong at the last token.
    pub(super) const fn fault(&self, fault: Fault) -> ScriptError {
        self.fault_at(self.line, fault)
    }

    const fn fault_at(&self, line: u32, fault: Fault) -> ScriptError {
        ScriptError { line, fault }
    }

    /// Starts a statement: an error before its first token lies in its line.
    pub(super) fn start(&mut self) -> Result<&'a str, ScriptError> {
        self.skip_blank()?;
        self.line = self.next_line;
        Ok(self.rest)
    }
}

fn digits(text: &str) -> &str {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..len).unwrap_or_default()
}

fn is_all(text: &str, is: fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is)
}
