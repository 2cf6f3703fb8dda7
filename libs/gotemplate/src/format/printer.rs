//! One value under one verb, with its flags, width and precision.

use super::float::format_float;
use crate::function::Failure;
use crate::quote::{quote_into, quote_rune_into};
use crate::rune::{decode, is_print, runes};
use crate::types::Type;
use crate::value::{Kind, MAX_DEPTH, Map, Object, Value};

pub(super) struct Printer<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) flags: Flags,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// Inside `%!d(...)` no method is asked.
    erroring: bool,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`.
    pub(super) plus_v: bool,
    /// `%#v`.
    pub(super) sharp_v: bool,
}

type Result = std::result::Result<(), Failure>;

impl<'o> Printer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            flags: Flags::default(),
            width: None,
            precision: None,
            erroring: false,
        }
    }

    /// Prints an argument of `printf`.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Result {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.bad_verb(verb, None)?,
            (_, 'T') => {
                let name = self.truncated(value.type_name().as_bytes()).to_vec();
                self.pad(&name);
            }
            (_, 'p') => self.bad_verb(verb, Some(value))?,
            _ => self.value(value, verb, 0)?,
        }
        Ok(())
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Result {
        if depth > MAX_DEPTH {
            return Err(Failure::too_deep());
        }
        match value {
            // Below the top nil stands in an interface, which any verb prints so.
            Value::Nil if self.flags.sharp_v => self.out.extend_from_slice(b"interface {}(nil)"),
            Value::Nil => self.out.extend_from_slice(b"<nil>"),
            Value::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { b"true" } else { b"false" }),
                _ => self.bad_verb(verb, Some(value))?,
            },
            Value::Int(i) | Value::Int64(i) => {
                self.integer(value, i.unsigned_abs(), *i < 0, true, verb)?;
            }
            Value::Uint8(i) => self.integer(value, u64::from(*i), false, false, verb)?,
            Value::Uint64(i) => self.integer(value, *i, false, false, verb)?,
            Value::Float64(f) => self.float(value, *f, verb)?,
            Value::String(text) => self.string(value, text.as_bytes(), verb)?,
            Value::Bytes(bytes) => self.bytes(value, bytes.as_bytes(), verb)?,
            Value::List(list) => {
                let sharp = self.flags.sharp_v;
                if sharp {
                    self.out.extend_from_slice(list.of().name.as_bytes());
                    if list.is_nil() {
                        self.out.extend_from_slice(b"(nil)");
                        return Ok(());
                    }
                }
                self.out.push(if sharp { b'{' } else { b'[' });
                for (index, item) in list.to_vec().iter().enumerate() {
                    if index > 0 {
                        self.separator();
                    }
                    crate::grow(|| self.value(item, verb, depth + 1))?;
                }
                self.out.push(if sharp { b'}' } else { b']' });
            }
            Value::Map(map) => self.map(map, verb, depth)?,
            Value::Object(object) => self.object(object.as_ref(), value, verb, depth)?,
        }
        Ok(())
    }

    fn separator(&mut self) {
        self.out
            .extend_from_slice(if self.flags.sharp_v { b", " } else { b" " });
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) -> Result {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.out.extend_from_slice(map.of().name.as_bytes());
            if map.is_nil() {
                self.out.extend_from_slice(b"(nil)");
                return Ok(());
            }
            self.out.push(b'{');
        } else {
            self.out.extend_from_slice(b"map[");
        }
        for (index, (key, value)) in map.entries().into_iter().enumerate() {
            if index > 0 {
                self.separator();
            }
            self.value(&Value::String(key), verb, depth + 1)?;
            self.out.push(b':');
            crate::grow(|| self.value(&value, verb, depth + 1))?;
        }
        self.out.push(if sharp { b'}' } else { b']' });
        Ok(())
    }

    fn object(&mut self, object: &dyn Object, value: &Value, verb: char, depth: usize) -> Result {
        if !self.erroring
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.display()
        {
            return self.string(value, text.as_bytes(), verb);
        }
        if object.kind() == Kind::Ptr {
            if depth > 0 {
                // An address in Go; any will do.
                self.out.extend_from_slice(b"0xc000000000");
                return Ok(());
            }
            self.out.push(b'&');
        }
        if self.flags.sharp_v {
            let name = object.type_name().trim_start_matches('*');
            self.out.extend_from_slice(name.as_bytes());
        }
        self.out.push(b'{');
        for (index, (name, field)) in object.fields().into_iter().enumerate() {
            if index > 0 {
                self.separator();
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.out.extend_from_slice(name.as_bytes());
                self.out.push(b':');
            }
            self.value(&field, verb, depth + 1)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Prints `%!verb(type=value)`.
    fn bad_verb(&mut self, verb: char, value: Option<&Value>) -> Result {
        let outer = std::mem::replace(&mut self.erroring, true);
        self.out.extend_from_slice(b"%!");
        push_char(self.out, verb);
        self.out.push(b'(');
        match value {
            None => self.out.extend_from_slice(b"<nil>"),
            Some(value) => {
                self.out.extend_from_slice(value.type_name().as_bytes());
                self.out.push(b'=');
                self.value(value, 'v', 0)?;
            }
        }
        self.out.push(b')');
        self.erroring = outer;
        Ok(())
    }

    fn string(&mut self, value: &Value, text: &[u8], verb: char) -> Result {
        match verb {
            'v' if !self.flags.sharp_v => self.plain(text),
            's' => self.plain(text),
            'v' | 'q' => self.quoted(text),
            'x' => self.hexadecimal(text, b"0123456789abcdefx"),
            'X' => self.hexadecimal(text, b"0123456789ABCDEFX"),
            _ => self.bad_verb(verb, Some(value))?,
        }
        Ok(())
    }

    fn plain(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        self.pad(text);
    }

    /// Cuts to as many characters as the precision says.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.precision else {
            return text;
        };
        let mut end = 0;
        for _ in 0..precision {
            match decode(&text[end..]) {
                Some((_, width)) => end += width,
                None => break,
            }
        }
        &text[..end]
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.flags.sharp && can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else {
            quote_into(&mut quoted, text, self.flags.plus);
        }
        self.pad(&quoted);
    }

    fn hexadecimal(&mut self, bytes: &[u8], digits: &[u8; 17]) {
        let length = self.precision.map_or(bytes.len(), |p| p.min(bytes.len()));
        if length == 0 {
            self.padding(self.width.unwrap_or(0));
            return;
        }
        let mut text = Vec::with_capacity(length * 3);
        if self.flags.sharp {
            text.extend_from_slice(&[b'0', digits[16]]);
        }
        for (index, byte) in bytes[..length].iter().enumerate() {
            if self.flags.space && index > 0 {
                text.push(b' ');
                if self.flags.sharp {
                    text.extend_from_slice(&[b'0', digits[16]]);
                }
            }
            text.push(digits[usize::from(byte >> 4)]);
            text.push(digits[usize::from(byte & 15)]);
        }
        self.pad(&text);
    }

    fn bytes(&mut self, value: &Value, bytes: &[u8], verb: char) -> Result {
        match verb {
            'v' | 'd' => {
                let sharp = self.flags.sharp_v;
                self.out
                    .extend_from_slice(if sharp { b"[]byte{" } else { b"[" });
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.separator();
                    }
                    if sharp {
                        self.out.extend_from_slice(format!("{byte:#x}").as_bytes());
                    } else {
                        self.number(u64::from(*byte), false, 10, 'd', b"0123456789abcdefx");
                    }
                }
                self.out.push(if sharp { b'}' } else { b']' });
                Ok(())
            }
            's' => {
                self.plain(bytes);
                Ok(())
            }
            'q' => {
                self.quoted(bytes);
                Ok(())
            }
            'x' | 'X' => self.string(value, bytes, verb),
            _ => {
                self.out.push(b'[');
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.out.push(b' ');
                    }
                    self.value(&Value::Uint8(*byte), verb, 1)?;
                }
                self.out.push(b']');
                Ok(())
            }
        }
    }

    fn integer(
        &mut self,
        value: &Value,
        magnitude: u64,
        negative: bool,
        signed: bool,
        verb: char,
    ) -> Result {
        const LOWER: &[u8; 17] = b"0123456789abcdefx";
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let outer = std::mem::replace(&mut self.flags.sharp, true);
                self.number(magnitude, negative, 16, verb, LOWER);
                self.flags.sharp = outer;
            }
            'v' | 'd' => self.number(magnitude, negative, 10, verb, LOWER),
            'b' => self.number(magnitude, negative, 2, verb, LOWER),
            'o' | 'O' => self.number(magnitude, negative, 8, verb, LOWER),
            'x' => self.number(magnitude, negative, 16, verb, LOWER),
            'X' => self.number(magnitude, negative, 16, verb, b"0123456789ABCDEFX"),
            'c' | 'q' => {
                let c = u32::try_from(magnitude)
                    .ok()
                    .filter(|_| !negative)
                    .and_then(char::from_u32)
                    .unwrap_or(crate::rune::REPLACEMENT);
                let mut text = Vec::new();
                if verb == 'c' {
                    push_char(&mut text, c);
                } else {
                    quote_rune_into(&mut text, c, self.flags.plus);
                }
                self.pad(&text);
            }
            'U' => {
                let code = if negative {
                    magnitude.wrapping_neg()
                } else {
                    magnitude
                };
                self.unicode(code);
            }
            _ => self.bad_verb(verb, Some(value))?,
        }
        Ok(())
    }

    fn unicode(&mut self, code: u64) {
        let digits = self.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{code:0digits$X}");
        let c = u32::try_from(code).ok().and_then(char::from_u32);
        if let Some(c) = c.filter(|c| self.flags.sharp && is_print(*c)) {
            text += &format!(" '{c}'");
        }
        self.pad_without_zeros(text.as_bytes());
    }

    fn number(&mut self, magnitude: u64, negative: bool, base: u64, verb: char, digits: &[u8; 17]) {
        let signed = negative || self.flags.plus || self.flags.space;
        let mut minimum = 0;
        if let Some(precision) = self.precision {
            if precision == 0 && magnitude == 0 {
                let outer = std::mem::replace(&mut self.flags.zero, false);
                self.padding(self.width.unwrap_or(0));
                self.flags.zero = outer;
                return;
            }
            minimum = precision;
        } else if self.flags.zero && !self.flags.minus {
            // Zeros go between the sign and the digits.
            if let Some(width) = self.width {
                minimum = width.saturating_sub(usize::from(signed));
            }
        }
        let mut text = Vec::new();
        let mut rest = magnitude;
        loop {
            text.push(digits[usize::try_from(rest % base).unwrap_or(0)]);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        while text.len() < minimum {
            text.push(b'0');
        }
        if self.flags.sharp {
            match base {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(&[digits[16], b'0']),
                _ => {}
            }
        }
        if verb == 'O' {
            text.extend_from_slice(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if self.flags.plus {
            text.push(b'+');
        } else if self.flags.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_without_zeros(&text);
    }

    fn float(&mut self, value: &Value, float: f64, verb: char) -> Result {
        let (verb, precision) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(verb, Some(value)),
        };
        let precision = self.precision.or(precision);
        let mut text = format_float(float, verb, precision).into_bytes();
        if !matches!(text[0], b'-' | b'+') {
            text.insert(0, b'+');
        }
        if self.flags.space && text[0] == b'+' && !self.flags.plus {
            text[0] = b' ';
        }
        if float.is_nan() || float.is_infinite() {
            if float.is_nan() && !self.flags.space && !self.flags.plus {
                text.remove(0);
            }
            self.pad_without_zeros(&text);
            return Ok(());
        }
        if self.flags.sharp && verb != 'b' {
            text = with_point(&text, verb, precision);
        }
        if self.flags.plus || text[0] != b'+' {
            if let Some(width) = self.width
                && self.flags.zero
                && !self.flags.minus
                && width > text.len()
            {
                self.out.push(text[0]);
                self.padding(width - text.len());
                self.out.extend_from_slice(&text[1..]);
                return Ok(());
            }
            self.pad(&text);
        } else {
            self.pad(&text[1..]);
        }
        Ok(())
    }

    fn pad_without_zeros(&mut self, text: &[u8]) {
        let outer = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text);
        self.flags.zero = outer;
    }

    fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.width else {
            self.out.extend_from_slice(text);
            return;
        };
        let missing = width.saturating_sub(runes(text).count());
        if !self.flags.minus {
            self.padding(missing);
        }
        self.out.extend_from_slice(text);
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn padding(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.out.resize(self.out.len() + count, byte);
    }
}

/// Adds the point and the zeros that `%#g` keeps.
fn with_point(text: &[u8], verb: char, precision: Option<usize>) -> Vec<u8> {
    let mut digits = match verb {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let is_mark = |byte: &u8| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => verb != 'x' && verb != 'X',
        _ => false,
    };
    let end = text[1..]
        .iter()
        .position(is_mark)
        .map_or(text.len(), |at| at + 1);
    let (number, tail) = text.split_at(end);
    let mut out = number.to_vec();
    let mut seen = false;
    for byte in &number[1..] {
        if *byte != b'.' {
            seen |= *byte != b'0';
            digits = digits.saturating_sub(usize::from(seen));
        }
    }
    if !number.contains(&b'.') {
        if number.len() == 2 && number[1] == b'0' {
            digits = digits.saturating_sub(1);
        }
        out.push(b'.');
    }
    out.resize(out.len() + digits, b'0');
    out.extend_from_slice(tail);
    out
}

fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars()
            .all(|c| c != '`' && c != '\u{feff}' && c != '\x7f' && (c >= ' ' || c == '\t'))
    })
}

pub(super) fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

impl Type {
    /// Says whether a value of the type stands in an interface, and so may be nil of no type.
    pub(crate) fn is_interface(self) -> bool {
        self == Self::Any
    }
}
