//! Fields and methods.

use super::call::Signature;
use super::{At, Slot, State, Stop};
use crate::node::Operand;
use crate::quote::quote;
use crate::template::MissingKey;
use crate::value::{Kind, Method, Value};

impl<'a> State<'a, '_> {
    /// Follows fields, written `.a.b`, from a receiver; the arguments go to the last one. The arguments begin with the
    /// operand itself, or are empty.
    pub(super) fn fields(
        &mut self,
        dot: &Slot,
        mut receiver: Slot,
        operand: &'a Operand,
        fields: &'a [u8],
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let mut names = fields.split(|byte| *byte == b'.').skip(1);
        let Some(mut name) = names.next() else {
            return Ok(receiver);
        };
        for next in names {
            receiver = self.field(dot, name, operand, &[], None, &receiver)?;
            name = next;
        }
        let arguments = arguments.get(1..).unwrap_or_default();
        self.field(dot, name, operand, arguments, last, &receiver)
    }

    fn field(
        &mut self,
        dot: &Slot,
        name: &'a [u8],
        operand: &'a Operand,
        arguments: &'a [Operand],
        last: Option<Slot>,
        receiver: &Slot,
    ) -> Result<Slot, Stop> {
        let missing_key = self.scope.set.missing_key;
        if receiver.is_invalid() {
            if missing_key == MissingKey::Error {
                return self.fail(format!("nil data; no entry for key {}", quote(name)));
            }
            return Ok(Slot::invalid());
        }
        let type_name = receiver.type_name();
        let value = &receiver.value;
        if let Value::Nil = value {
            let name = String::from_utf8_lossy(name);
            return self.fail(format!("nil pointer evaluating {type_name}.{name}"));
        }
        let methods: &'static [Method] = match value {
            Value::Map(map) => map.of().methods,
            Value::List(list) => list.of().methods,
            Value::Object(object) => object.methods(),
            _ => &[],
        };
        let found = methods.iter().find(|method| method.name.as_bytes() == name);
        if let Some(method) = found {
            let signature = Signature {
                name: method.name,
                parameters: method.parameters,
                variadic: method.variadic,
                node: At::Operand(operand),
            };
            let arguments = self.arguments(dot, &signature, arguments, last)?;
            let result = (method.call)(self.scope, value, &arguments);
            return self.called(&signature, result);
        }
        let has_arguments = !arguments.is_empty() || last.is_some();
        match value {
            Value::Map(map) => {
                if has_arguments {
                    let name = String::from_utf8_lossy(name);
                    return self.fail(format!("{name} is not a method but has arguments"));
                }
                let element = map.of().element;
                if let Some(entry) = map.get(name) {
                    return Ok(Slot::element(entry, element));
                }
                match missing_key {
                    MissingKey::Invalid => Ok(Slot::invalid()),
                    MissingKey::Zero => Ok(Slot::element(Value::zero(element), element)),
                    MissingKey::Error => {
                        self.fail(format!("map has no entry for key {}", quote(name)))
                    }
                }
            }
            Value::Object(object) if matches!(object.kind(), Kind::Struct | Kind::Ptr) => {
                let known = std::str::from_utf8(name).ok();
                match known.and_then(|name| object.field(name)) {
                    Some(_) if has_arguments => {
                        let name = String::from_utf8_lossy(name);
                        self.fail(format!(
                            "{name} has arguments but cannot be invoked as function"
                        ))
                    }
                    Some(field) => Ok(Slot::bare(field)),
                    None => self.no_field(name, type_name),
                }
            }
            _ => self.no_field(name, type_name),
        }
    }

    fn no_field(&self, name: &[u8], type_name: &str) -> Result<Slot, Stop> {
        let name = String::from_utf8_lossy(name);
        self.fail(format!("can't evaluate field {name} in type {type_name}"))
    }
}
