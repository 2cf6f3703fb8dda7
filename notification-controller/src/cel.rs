//! CEL expressions over JSON, compiled as Flux compiles them (fluxcd/pkg/runtime/cel).
//!
//! The `cel` crate parses and evaluates but has no type checker, and Flux reports a badly typed expression
//! when the object is written, so the checker is here. Evaluation is bounded in steps and time. The
//! surprise: `==`, `!=` and `in` are evaluated by our own functions, because JSON numbers are doubles and
//! must equal the integers they are compared with.

mod check;
mod eval;
mod functions;
mod types;

use std::collections::BTreeMap;

use kube_cel::cel::parser::{Expression, Parser};
use serde_json::Value;

pub use types::Type;

/// A compiled expression with a boolean result.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    program: Expression,
}

/// The longest expression; parsing time and depth grow with it.
const MAX_LENGTH: usize = 8 << 10;
/// The deepest nesting (cel-go's limit).
const MAX_DEPTH: u16 = 250;
/// The parser and the evaluator recurse; this is enough for both limits above.
const STACK: usize = 256 << 20;

impl Filter {
    /// Compiles an expression over variables that each hold a JSON object.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Self, Error> {
        let fail = |issue: String| Error::Parse {
            text: text.to_owned(),
            issue,
        };
        if text.len() > MAX_LENGTH {
            return Err(fail(format!(
                "ERROR: <input>:1:1: expression is longer than {MAX_LENGTH} bytes"
            )));
        }
        if nesting(text) > usize::from(MAX_DEPTH) {
            return Err(fail(format!(
                "ERROR: <input>:1:1: expression recursion limit exceeded: {MAX_DEPTH}"
            )));
        }
        let (output, program) = on_large_stack(|| {
            let parsed = Parser::new()
                .parse(text)
                .map_err(|errors| errors.to_string())?;
            if check::depth(&parsed) > usize::from(MAX_DEPTH) {
                return Err(format!(
                    "ERROR: <input>:1:1: expression recursion limit exceeded: {MAX_DEPTH}"
                ));
            }
            let output = check::check(&parsed, variables).map_err(|issue| issue.locate(text))?;
            Ok((output, eval::prepare(parsed)))
        })
        .and_then(|compiled| compiled)
        .map_err(fail)?;
        if output != Type::Bool {
            return Err(Error::Output(output));
        }
        Ok(Self {
            text: text.to_owned(),
            program,
        })
    }

    /// Evaluates the expression; blocks the thread for a bounded time.
    pub fn evaluate(&self, variables: &BTreeMap<&str, &Value>) -> Result<bool, Error> {
        on_large_stack(|| eval::evaluate(&self.program, variables))
            .and_then(|value| value)
            .map_err(|cause| Error::Evaluate {
                text: self.text.clone(),
                cause,
            })
    }
}

/// Runs recursive work where neither its depth nor a panic of a library can harm the process.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("cel".to_owned())
            .stack_size(STACK);
        let running = thread
            .spawn_scoped(scope, work)
            .map_err(|error| error.to_string())?;
        running
            .join()
            .map_err(|_| "the expression is not supported".to_owned())
    })
}

/// Bounds how deep the parser will recurse, before it does: open brackets, prefix operators, `?`.
fn nesting(text: &str) -> usize {
    let (mut open, mut prefixes, mut choices, mut deepest) = (0_usize, 0, 0, 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => choices += 1,
            _ => {}
        }
        prefixes = match c {
            '!' | '-' => prefixes + 1,
            c if c.is_whitespace() => prefixes,
            _ => 0,
        };
        deepest = deepest.max(open + prefixes + choices);
    }
    deepest
}

/// Why an expression has no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not parse, or names or types do not fit.
    #[error("failed to parse the CEL expression '{text}': {issue}")]
    Parse {
        /// The expression.
        text: String,
        /// What is wrong, and where.
        issue: String,
    },
    /// It is of another type than bool.
    #[error("CEL expression output type mismatch: expected bool, got {0}")]
    Output(Type),
    /// It has no value for this input.
    #[error("failed to evaluate the CEL expression '{text}': {cause}")]
    Evaluate {
        /// The expression.
        text: String,
        /// What went wrong.
        cause: String,
    },
}

#[cfg(test)]
mod tests;
