//! What the fuzz targets found worth keeping, run again: `fuzz/seeds/TARGET/`, without a fuzzer and on any compiler.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

#[path = "../fuzz/checks/lexer.rs"]
mod lexer;
#[path = "../fuzz/checks/parser.rs"]
mod parser;
#[path = "../../../tests/shared/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_the_lexer_hold() {
    replay("lexer", lexer::check);
}

#[test]
fn seeds_of_the_parser_hold() {
    replay("parser", parser::check);
}
