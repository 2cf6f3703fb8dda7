//! The packets of a key file or a message: split, with limits, before anything looks into them.

use pgp::composed::PacketBodyReader;
use pgp::packet::PacketHeader;
use pgp::types::Tag;
use std::io::Read as _;
use zeroize::Zeroizing;

/// The most packets of a key file or of one layer of a message.
const MOST: usize = 10_000;

/// A packet: its header and all of its content.
pub(super) struct Packet {
    pub(super) header: PacketHeader,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Packet {
    pub(super) fn tag(&self) -> Tag {
        self.header.tag()
    }
}

/// Text that is not a row of whole packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Splits bytes into packets. What they hold together is not more than what came in.
pub(super) fn split(mut bytes: &[u8]) -> Result<Vec<Packet>, Malformed> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        if packets.len() >= MOST {
            return Err(Malformed);
        }
        let header = PacketHeader::try_from_reader(&mut bytes).map_err(|_| Malformed)?;
        let mut reader = PacketBodyReader::new(header, &mut bytes).map_err(|_| Malformed)?;
        let mut body = Zeroizing::new(Vec::new());
        reader.read_to_end(&mut body).map_err(|_| Malformed)?;
        packets.push(Packet { header, body });
    }
    Ok(packets)
}
