//! The format string of `printf`: flags, width, precision, argument indexes.

use super::printer::{Flags, Printer, push_char};
use crate::function::Failure;
use crate::rune::decode;
use crate::value::Value;

/// Go's limit on a width, a precision and an index.
const TOO_LARGE: i64 = 1_000_000;

/// Formats values as `fmt.Sprintf`.
///
/// # Errors
/// [`Failure::Limit`] for a value that nests too deeply.
pub fn sprintf(format: &[u8], arguments: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::with_capacity(format.len() + 16);
    let mut directive = Directive {
        format,
        at: 0,
        arguments,
        argument: 0,
        reordered: false,
        good_index: true,
    };
    while directive.at < format.len() {
        let text = &format[directive.at..];
        let length = text.iter().position(|b| *b == b'%').unwrap_or(text.len());
        out.extend_from_slice(&text[..length]);
        directive.at += length;
        if directive.at < format.len() {
            directive.at += 1;
            directive.run(&mut out)?;
        }
    }
    if !directive.reordered && directive.argument < arguments.len() {
        out.extend_from_slice(b"%!(EXTRA ");
        for (index, value) in arguments[directive.argument..].iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            if let Value::Nil = value {
                out.extend_from_slice(b"<nil>");
            } else {
                out.extend_from_slice(value.type_name().as_bytes());
                out.push(b'=');
                Printer::new(&mut out).argument(value, 'v')?;
            }
        }
        out.push(b')');
    }
    Ok(out)
}

struct Directive<'f> {
    format: &'f [u8],
    at: usize,
    arguments: &'f [Value],
    argument: usize,
    reordered: bool,
    good_index: bool,
}

impl Directive<'_> {
    fn byte(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Runs one directive, its `%` already read.
    fn run(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.good_index = true;
        let mut flags = self.flags();
        let mut after_index = self.index();
        let width;
        if self.byte() == Some(b'*') {
            self.at += 1;
            let given = self.int_argument();
            if given.is_none() {
                out.extend_from_slice(b"%!(BADWIDTH)");
            }
            if given.is_some_and(|given| given < 0) {
                flags.minus = true;
                flags.zero = false;
            }
            width = given.and_then(|given| usize::try_from(given.unsigned_abs()).ok());
            after_index = false;
        } else {
            width = self.number();
            if after_index && width.is_some() {
                self.good_index = false;
            }
        }
        let mut precision = None;
        if self.byte() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if after_index {
                self.good_index = false;
            }
            after_index = self.index();
            if self.byte() == Some(b'*') {
                self.at += 1;
                precision = self
                    .int_argument()
                    .and_then(|given| usize::try_from(given).ok());
                if precision.is_none() {
                    out.extend_from_slice(b"%!(BADPREC)");
                }
                after_index = false;
            } else {
                precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        let Some((verb, length)) = decode(&self.format[self.at.min(self.format.len())..]) else {
            out.extend_from_slice(b"%!(NOVERB)");
            return Ok(());
        };
        self.at += length;
        let misuse: &[u8] = if verb == '%' {
            out.push(b'%');
            return Ok(());
        } else if !self.good_index {
            b"(BADINDEX)"
        } else if self.argument >= self.arguments.len() {
            b"(MISSING)"
        } else {
            if verb == 'v' {
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            let mut printer = Printer::new(out);
            printer.flags = flags;
            printer.width = width;
            printer.precision = precision;
            printer.argument(&self.arguments[self.argument], verb)?;
            self.argument += 1;
            return Ok(());
        };
        out.extend_from_slice(b"%!");
        push_char(out, verb);
        out.extend_from_slice(misuse);
        Ok(())
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.byte() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    /// Reads decimal digits; none where there are none or the number is too large.
    fn number(&mut self) -> Option<usize> {
        let mut number: Option<i64> = None;
        while let Some(digit) = self.byte().filter(u8::is_ascii_digit) {
            let value = number.unwrap_or(0);
            if value > TOO_LARGE {
                // Parity: Go gives up here, and the rest of the format is what follows the digits read.
                self.at = self.format.len();
                return None;
            }
            number = Some(value * 10 + i64::from(digit - b'0'));
            self.at += 1;
        }
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// Reads an index such as `[2]` and moves to that argument; says whether one was found.
    fn index(&mut self) -> bool {
        if self.byte() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(close) = rest
            .iter()
            .position(|b| *b == b']')
            .filter(|_| rest.len() >= 3)
        else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let digits = std::str::from_utf8(&rest[1..close]).unwrap_or_default();
        let well = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let number: Option<usize> = digits.parse().ok().filter(|_| well);
        self.at += close + 1;
        match number {
            Some(number) if (1..=self.arguments.len()).contains(&number) => {
                self.argument = number - 1;
                true
            }
            number => {
                self.good_index = false;
                number.is_some()
            }
        }
    }

    /// Takes an argument as a width or precision.
    fn int_argument(&mut self) -> Option<i64> {
        let value = self.arguments.get(self.argument)?;
        self.argument += 1;
        let number = match value {
            Value::Int(i) | Value::Int64(i) => Some(*i),
            Value::Uint8(i) => Some(i64::from(*i)),
            Value::Uint64(i) => i64::try_from(*i).ok(),
            _ => None,
        };
        number.filter(|number| (-TOO_LARGE..=TOO_LARGE).contains(number))
    }
}
