//! Where ours may differ from the real Helm, each for a reason: there are at most ten.

use super::oracle::Oracle;
use serde_json::Value;

/// By what a rule is known.
enum Mark {
    /// This is in what either of the two gave.
    Text(&'static str),
    /// An address of Go's memory, whole or taken apart by a function that wraps lines.
    Address,
    /// The template asks for a date, and only digits differ.
    Clock,
    /// Asked again, Helm gives what ours gave.
    Chance,
}

use Mark::{Address, Chance, Clock, Text};

/// A mark, and why what bears it may differ.
const RULES: [(Mark, &str); 10] = [
    (
        Text("or holds itself"),
        "Go overflows its stack where a value holds itself, never ends, or prints nothing; ours is an error",
    ),
    (
        Text(super::oracle::CRASHED),
        "the same, where ours never came to print the value",
    ),
    (
        Text("invalid memory address"),
        "Go reports where its own memory was wrong; ours names the same failure in most cases",
    ),
    (
        Text("error parsing regexp"),
        "what a malformed regular expression is called",
    ),
    (
        Text("complex constants are not supported"),
        "imaginary and complex constants are refused by name",
    ),
    (
        Text("slice index out of bounds"),
        "past the end of a list Go gives what its memory was made to hold; ours is an error",
    ),
    (Address, "an address of Go's memory"),
    (Text("toml: "), "what a malformed TOML document is called"),
    (
        Clock,
        "what is no time means now, and now is not the same for both",
    ),
    (
        Chance,
        "Helm answers in several ways, and ours is one of them",
    ),
];

/// Two answers to a question that are not the same.
pub(crate) struct Difference<'a> {
    pub(crate) question: &'a Value,
    pub(crate) want: &'a Result<String, String>,
    pub(crate) got: &'a Result<String, String>,
}

impl Difference<'_> {
    /// Finds the rule under which the answers may differ.
    pub(crate) fn rule(&self, oracle: &mut Oracle) -> Option<&'static str> {
        let found = RULES.iter().find(|(mark, _)| match mark {
            Text(mark) => self.texts().iter().any(|text| text.contains(mark)),
            Address => self.shows_an_address(),
            Clock => self.names(&["date", "Date"]) && self.differs_in(|c| c.is_ascii_digit()),
            Chance => (0..30).any(|_| oracle.ask(self.question) == *self.got),
        });
        found.map(|(_, why)| *why)
    }

    fn texts(&self) -> [&str; 2] {
        [self.want, self.got].map(|answer| match answer {
            Ok(text) | Err(text) => text.as_str(),
        })
    }

    /// Go's heap begins there on this kind of machine; a line that is wrapped may break within.
    fn shows_an_address(&self) -> bool {
        let is_whole = self.texts().iter().any(|text| text.contains("0xc0"));
        is_whole || self.names(&["wrap"]) && self.differs_in(|c| c.is_ascii_hexdigit())
    }

    /// Says whether the template has one of the words in it.
    fn names(&self, words: &[&str]) -> bool {
        let template = self.question["template"].as_str().unwrap_or_default();
        words.iter().any(|word| template.contains(word))
    }

    /// Says whether the answers are alike but for such letters.
    fn differs_in(&self, is_letter: fn(char) -> bool) -> bool {
        let [want, got] = self.texts().map(|text| text.replace(is_letter, ""));
        want == got
    }
}
