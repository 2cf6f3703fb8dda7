//! Variable substitution after the build (`spec.postBuild`): the `${…}` dialect and its two
//! strictness modes.
//!
//! Pure: a text and variables in, a text out. The whole text of an object is substituted, keys and
//! comments included, so a value may change what the YAML means. The surprise: newlines are taken
//! out of every value before use. Source: kustomize-controller, `fluxcd/pkg/envsubst`.

mod expression;
mod function;
mod glob;

use std::collections::BTreeMap;

use expression::{Node, Operator};

/// What a variable's name must match, as error texts print it.
const NAME_PATTERN: &str = "^[_[:alpha:]][_[:alpha:][:digit:]]*$";

/// Whether a variable that is not set is an error (gate `StrictPostBuildSubstitutions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// A variable that is not set fails, unless the expression has a default.
    Strict,
    /// A variable that is not set is empty.
    Lenient,
}

/// Why a substitution failed. The texts are Flux's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The text holds an expression that does not parse.
    #[error("variable substitution failed")]
    Syntax(#[from] expression::Error),
    /// A variable is not set, and strictness asks for it.
    #[error("variable substitution failed: variable not set (strict mode): \"{0}\"")]
    NotSet(String),
    /// A supplied variable has a name that no expression could use.
    #[error("'{0}' var name is invalid, must match '{NAME_PATTERN}'")]
    Name(String),
    /// An operator cut a character in two.
    #[error("variable substitution failed: the result is not UTF-8")]
    NotText,
}

/// The variables of one Kustomization, their newlines removed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes the inline variables of a specification.
    pub(crate) fn new<'a>(variables: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        // Parity: newlines vanish, they are not replaced by a blank.
        let cleaned = |(name, value): (&String, &String)| (name.clone(), value.replace('\n', ""));
        Self(variables.into_iter().map(cleaned).collect())
    }

    /// Whether there is no variable at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Substitutes a whole text.
    pub(crate) fn expand(&self, text: &str, strictness: Strictness) -> Result<String, Error> {
        if let Some(name) = self.0.keys().find(|name| !is_valid_name(name)) {
            return Err(Error::Name(name.clone()));
        }
        let nodes = expression::parse(text)?;
        let mut out = Vec::with_capacity(text.len());
        for node in &nodes {
            out.extend(self.evaluate(node, strictness)?);
        }
        String::from_utf8(out).map_err(|_| Error::NotText)
    }

    fn evaluate(&self, node: &Node, strictness: Strictness) -> Result<Vec<u8>, Error> {
        let expansion = match node {
            Node::Text(text) => return Ok(text.clone().into_bytes()),
            Node::Expansion(expansion) => expansion,
        };
        // Arguments first: an unset variable in a default that is not needed fails too.
        let arguments = expansion
            .arguments
            .iter()
            .map(|argument| self.evaluate(argument, strictness))
            .collect::<Result<Vec<_>, _>>()?;
        let value = self.0.get(&expansion.name);
        if value.is_none()
            && strictness == Strictness::Strict
            && expansion.operator != Operator::Default
        {
            return Err(Error::NotSet(expansion.name.clone()));
        }
        let value = value.map_or(&[][..], String::as_bytes);
        Ok(function::apply(expansion.operator, value, &arguments))
    }
}

fn is_valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b == b'_' || b.is_ascii_alphabetic())
        && bytes.all(|b| b == b'_' || b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(strictness: Strictness, text: &str) -> Result<String, Error> {
        let variables: BTreeMap<String, String> = [
            ("env", "prod"),
            ("region", "eu-west-1"),
            ("file", "a/b.tar.gz"),
            ("empty", ""),
            ("lines", "a\nb\n"),
            ("minus", "-4"),
            ("word", "Straße"),
            ("slashes", "x/y/z"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        Variables::new(&variables).expand(text, strictness)
    }

    #[test]
    fn every_operator_does_what_flux_does() {
        let cases = [
            ("plain text", "plain text"),
            ("${env}", "prod"),
            ("a ${env} b ${env}", "a prod b prod"),
            ("$env { } $ \\n", "$env { } $ \\n"),
            ("$${env} $$x $$$$", "${env} $x $$"),
            ("$$${env}", "$prod"),
            ("n${#region}", "n9"),
            ("${#word}", "7"),
            ("${env^} ${env^^}", "Prod PROD"),
            ("${word^^} ${word,} ${word,,}", "STRAßE straße straße"),
            ("${env^,}", "prod"),
            ("${region:3}", "west-1"),
            ("${region:3:4}", "west"),
            ("${region:0:2}", "eu"),
            ("${region:3::4}", "west"),
            ("${region:20}|${region:20:1}|${region:9}", "||"),
            ("${region:3:100}", "west-1"),
            ("${region:x}", "eu-west-1"),
            ("${region:1:x}", "eu-west-1"),
            ("${region:${minus}}", "st-1"),
            ("${region:${minus}:2}", "st"),
            ("${region:1:-2}", "u-west"),
            ("${region:8:-8}", ""),
            ("${region#eu-}", "west-1"),
            ("${region#*-}", "west-1"),
            ("${region##*-}", "1"),
            ("${region%-1}", "eu-west"),
            ("${region%-*}", "eu-west"),
            ("${region%%-*}", "eu"),
            ("${file##*/}", "b.tar.gz"),
            ("${region#nope}", "eu-west-1"),
            ("${region/e/E}", "Eu-west-1"),
            ("${region//e/E}", "Eu-wEst-1"),
            ("${region/-/}", "euwest-1"),
            ("${region//-/}", "euwest1"),
            ("${region//*/x}", "eu-west-1"),
            (r"${slashes/\//-}", "x-y/z"),
            (r"${slashes//\//\\}", r"x\y\z"),
            ("${region/#eu/us}", "us-west-1"),
            ("${region/#eu/}", "eu-west-1"),
            ("${region/%1/2}", "eu-west-2"),
            ("${region/%-1/}", "eu-west-1"),
            (
                "${env=d}${env:=d}${env:-d}${env:?d}${env:+d}",
                "prodprodprodprodprod",
            ),
            ("${none=d}${none:=d}${none:-d}${none:?d}${none:+d}", "ddddd"),
            ("${empty:-d}${empty=d}", "dd"),
            ("[${none:=}]", "[]"),
            ("${none:=${env}-x}", "prod-x"),
            ("${none:=a${env}b${none:=c}}", "aprodbc"),
            ("${none:=$$x}", "$$x"),
            ("${none:=a}b}", "ab}"),
            ("${lines}", "ab"),
            ("${empty}", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(
                expand(Strictness::Strict, text).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unset_variable_fails_in_strict_mode_and_is_empty_otherwise() {
        let forms = [
            "${none}",
            "${#none}",
            "${none^}",
            "${none:0}",
            "${none/a/b}",
            "${none#a}",
            "${env:-${none}}",
        ];
        for text in forms {
            let error = expand(Strictness::Strict, text).unwrap_err();
            assert_eq!(
                error.to_string(),
                "variable substitution failed: variable not set (strict mode): \"none\"",
                "{text}"
            );
            assert!(expand(Strictness::Lenient, text).is_ok(), "{text}");
        }
        assert_eq!(
            expand(Strictness::Lenient, "x${none}y").as_deref(),
            Ok("xy")
        );
        assert_eq!(expand(Strictness::Lenient, "${#none}").as_deref(), Ok("0"));
    }

    #[test]
    fn a_variable_with_an_unusable_name_is_refused() {
        for name in ["bad-name", "1st", "", "größe"] {
            let variables = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
            let error = Variables::new(&variables)
                .expand("", Strictness::Strict)
                .unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "'{name}' var name is invalid, must match \
                     '^[_[:alpha:]][_[:alpha:][:digit:]]*$'"
                )
            );
        }
    }

    #[test]
    fn a_cut_character_is_an_error_and_not_a_panic() {
        assert_eq!(
            expand(Strictness::Strict, "${word:0:5}"),
            Err(Error::NotText)
        );
    }
}
