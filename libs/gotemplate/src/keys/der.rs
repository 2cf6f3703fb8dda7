//! As much of DER as wrapping and unwrapping private keys takes.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];

/// A PKCS#8 private key.
pub(crate) struct PrivateKey<'a> {
    pub(crate) algorithm: Algorithm<'a>,
    /// The key in the algorithm's own encoding.
    pub(crate) inner: &'a [u8],
}

pub(crate) enum Algorithm<'a> {
    Rsa,
    /// With the object identifier of the curve.
    Ec(&'a [u8]),
    Other,
}

/// Splits off the first element: its tag, its content, the rest.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7F);
        if count == 0 || count > 4 {
            return None;
        }
        let bytes = rest.get(..count)?;
        let length = bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b));
        (length, &rest[count..])
    };
    Some((*tag, rest.get(..length)?, &rest[length..]))
}

/// Splits off the first element if it has the tag.
fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let start = bytes.iter().position(|b| *b != 0).unwrap_or(0);
        out.push(0x80 | (bytes.len() - start) as u8);
        out.extend_from_slice(&bytes[start..]);
    }
    out.extend_from_slice(content);
    out
}

impl<'a> PrivateKey<'a> {
    pub(crate) fn parse(pkcs8: &'a [u8]) -> Option<Self> {
        let (body, _) = expect(pkcs8, SEQUENCE)?;
        let (_, body) = expect(body, INTEGER)?;
        let (algorithm, body) = expect(body, SEQUENCE)?;
        let (inner, _) = expect(body, OCTETS)?;
        let (identifier, parameters) = expect(algorithm, OBJECT)?;
        let algorithm = match identifier {
            RSA => Algorithm::Rsa,
            EC => Algorithm::Ec(expect(parameters, OBJECT)?.0),
            _ => Algorithm::Other,
        };
        Some(Self { algorithm, inner })
    }
}

fn pkcs8(algorithm: &[u8], inner: &[u8]) -> Vec<u8> {
    let body = [
        encode(INTEGER, &[0]),
        encode(SEQUENCE, algorithm),
        encode(OCTETS, inner),
    ]
    .concat();
    encode(SEQUENCE, &body)
}

/// Wraps a PKCS#1 key.
pub(crate) fn rsa_to_pkcs8(pkcs1: &[u8]) -> Vec<u8> {
    let algorithm = [encode(OBJECT, RSA), vec![0x05, 0]].concat();
    pkcs8(&algorithm, pkcs1)
}

/// Wraps a SEC 1 key, which must name its curve.
pub(crate) fn ec_to_pkcs8(sec1: &[u8]) -> Option<Vec<u8>> {
    let (body, _) = expect(sec1, SEQUENCE)?;
    let (_, body) = expect(body, INTEGER)?;
    let (_, body) = expect(body, OCTETS)?;
    let (parameters, _) = expect(body, 0xA0)?;
    let (curve, _) = expect(parameters, OBJECT)?;
    let algorithm = [encode(OBJECT, EC), encode(OBJECT, curve)].concat();
    Some(pkcs8(&algorithm, sec1))
}

/// Puts the curve into a SEC 1 key that lacks it.
pub(crate) fn with_curve(sec1: &[u8], curve: &[u8]) -> Option<Vec<u8>> {
    let (body, _) = expect(sec1, SEQUENCE)?;
    let (version, body) = expect(body, INTEGER)?;
    let (secret, body) = expect(body, OCTETS)?;
    let rest = match expect(body, 0xA0) {
        Some((_, rest)) => rest,
        None => body,
    };
    let parts = [
        encode(INTEGER, version),
        encode(OCTETS, secret),
        encode(0xA0, &encode(OBJECT, curve)),
        rest.to_vec(),
    ];
    Some(encode(SEQUENCE, &parts.concat()))
}
