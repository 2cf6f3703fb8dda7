//! The Go templates of `spec.template.data`, run over the decrypted values.
//!
//! The functions are sprig's without those that tell of the environment, as in the controller. Unlike there, a template gives
//! the same text each time: its chance follows from the session keys of the sealed values, which only whoever sealed them has
//! ever known, so that a salt or a made-up password changes when the SealedSecret is sealed again and not before. The clock
//! and new private keys cannot follow from anything, and are refused by name.

use std::cell::Cell;

use fjord_gotemplate::value::{Map, MapType};
use fjord_gotemplate::{Failure, Functions, Host, KeyAlgorithm, Limits, Session, Set, Text, Value};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

/// What a template may cost: a Secret holds a megabyte at most.
fn limits() -> Limits {
    Limits {
        control_depth: 100,
        expression_depth: 100,
        template_depth: 100,
        include_depth: 100,
        steps: 2_000_000,
        output: 2 << 20,
        size: 2 << 20,
    }
}

/// Why a template gives no value. A message of the template itself is not repeated: it may hold a value.
pub(super) enum Fault {
    /// It does not parse; this text is the template's alone.
    Parse(String),
    /// It failed at this node of its own.
    Run(String),
    /// It asks for what is not there.
    Unsupported(&'static str),
}

/// What the templates of one SealedSecret share.
pub(super) struct Templates {
    functions: Functions,
    values: Vec<(Text, Text)>,
    seed: Zeroizing<Vec<u8>>,
}

impl Templates {
    /// Takes what templates may name, and the session keys in a fixed order.
    pub(super) fn new<'a>(
        values: impl Iterator<Item = (&'a str, &'a [u8])>,
        sessions: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let mut seed = Zeroizing::new(Vec::new());
        for session in sessions {
            seed.extend_from_slice(session);
        }
        let text = |bytes: &[u8]| Text::from_bytes(bytes);
        Self {
            functions: fjord_gotemplate::functions::sprig(),
            values: values
                .map(|(key, value)| (text(key.as_bytes()), text(value)))
                .collect(),
            seed,
        }
    }

    /// Runs the template of a key.
    pub(super) fn run(&self, key: &str, text: &str) -> Result<Vec<u8>, Fault> {
        let limits = limits();
        let mut set = Set::new(key, self.functions.clone());
        set.parse(key, text.as_bytes(), &limits)
            .map_err(|error| Fault::Parse(format!("line {}: {}", error.line, error.message)))?;
        let world = World {
            seed: &self.seed,
            key,
            given: Cell::new(0),
            refused: Cell::new(None),
        };
        let entries = self.values.iter().cloned();
        let entries = entries.map(|(key, value)| (key, Value::String(value)));
        let data = Value::Map(Map::new(entries, &MapType::STRINGS));
        let result = Session::new(&world, limits).execute(&set, key, data);
        if let Some(what) = world.refused.get() {
            return Err(Fault::Unsupported(what));
        }
        result.map_err(|error| {
            Fault::Run(match &error.place {
                _ if error.is_limit() => "it exceeds the limits of a template".to_owned(),
                Some(place) => format!("it fails at line {}, <{}>", place.line, place.node),
                None => "it fails".to_owned(),
            })
        })
    }
}

/// What a template sees of the world.
struct World<'a> {
    seed: &'a [u8],
    key: &'a str,
    /// How many blocks of chance were given.
    given: Cell<u64>,
    refused: Cell<Option<&'static str>>,
}

impl Host for World<'_> {
    fn now(&self) -> (i64, u32) {
        self.refused.set(Some("the time"));
        (0, 0)
    }

    fn random(&self, buffer: &mut [u8]) -> Result<(), Failure> {
        if self.seed.is_empty() {
            self.refused.set(Some("chance without a sealed value"));
            return Err("no sealed value to draw from".into());
        }
        for chunk in buffer.chunks_mut(32) {
            let block = self.given.replace(self.given.get() + 1);
            let mut mac = Hmac::<Sha256>::new_from_slice(self.seed)
                .map_err(|_| Failure::new("no randomness"))?;
            mac.update(&block.to_be_bytes());
            mac.update(self.key.as_bytes());
            let mut bytes = mac.finalize().into_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
            bytes.as_mut_slice().zeroize();
        }
        Ok(())
    }

    fn private_key(&self, _: KeyAlgorithm) -> Result<Vec<u8>, Failure> {
        self.refused.set(Some("a new private key"));
        Err("no private keys can be made here".into())
    }
}
