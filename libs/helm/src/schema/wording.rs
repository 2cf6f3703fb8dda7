//! Says what a schema does not allow in the words of Helm's validator.

mod applicators;

use boon::{ErrorKind, ValidationError};
use serde_json::{Number, Value};

use crate::go;

/// Describes the faults, one a line, each below the one it belongs to.
pub(super) fn describe(error: &ValidationError<'_, '_>) -> String {
    let mut lines = Vec::new();
    causes(error, 1, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

/// Describes the faults below the line that names the schema.
pub(super) fn describe_with_heading(error: &ValidationError<'_, '_>) -> String {
    let mut lines = Vec::new();
    collect(error, 0, &mut lines);
    lines.join("\n")
}

fn causes(error: &ValidationError<'_, '_>, depth: usize, lines: &mut Vec<String>) {
    for cause in &error.causes {
        let mut depth = depth;
        for applicator in applicators::between(error, cause) {
            line(&applicator.location, applicator.words, depth, lines);
            depth += 1;
        }
        collect(cause, depth, lines);
    }
}

fn collect(error: &ValidationError<'_, '_>, depth: usize, lines: &mut Vec<String>) {
    let is_passed_over =
        matches!(error.kind, ErrorKind::Reference { .. }) && error.causes.len() == 1;
    if is_passed_over {
        causes(error, depth, lines);
        return;
    }
    match &error.kind {
        ErrorKind::Schema { url } if depth == 0 => {
            lines.push(format!("jsonschema validation failed with {}", quote(url)));
        }
        kind => line(
            &error.instance_location.to_string(),
            &words(kind),
            depth,
            lines,
        ),
    }
    causes(error, depth + 1, lines);
}

fn line(location: &str, words: &str, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth.saturating_sub(1));
    lines.push(format!("{indent}- at {}: {words}", quote(location)));
}

fn words(kind: &ErrorKind<'_, '_>) -> String {
    match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } => "validation failed".to_owned(),
        ErrorKind::Schema { url } => format!("jsonschema validation failed with {}", quote(url)),
        ErrorKind::ContentSchema => "'contentSchema' failed".to_owned(),
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", quote(prop)),
        ErrorKind::RefCycle {
            url,
            kw_loc1,
            kw_loc2,
        } => format!(
            "both {kw_loc1} and {kw_loc2} resolve to {} causing reference cycle",
            go::quote(url)
        ),
        ErrorKind::FalseSchema => "false schema".to_owned(),
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|want| want.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Enum { want } => enumeration(want),
        ErrorKind::Const {
            want: Value::Array(_) | Value::Object(_),
        } => "'const' failed".to_owned(),
        ErrorKind::Const { want } => format!("value must be {}", display(want)),
        ErrorKind::Format { got, want, err } => {
            format!("{} is not valid {want}: {err}", display(got))
        }
        ErrorKind::MinProperties { got, want } => bound("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => bound("maxProperties", *got, *want),
        ErrorKind::MinItems { got, want } => bound("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => bound("maxItems", *got, *want),
        ErrorKind::MinLength { got, want } => bound("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => bound("maxLength", *got, *want),
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", list(got.iter()))
        }
        ErrorKind::Required { want } if want.len() == 1 => {
            format!("missing property {}", list(want.iter()))
        }
        ErrorKind::Required { want } => format!("missing properties {}", list(want.iter())),
        ErrorKind::Dependency { prop, missing }
        | ErrorKind::DependentRequired { prop, missing } => {
            format!(
                "properties {} required, if {} exists",
                list(missing.iter()),
                quote(prop)
            )
        }
        ErrorKind::Contains => "no items match contains schema".to_owned(),
        ErrorKind::MinContains { got, want } if got.is_empty() => format!(
            "min {} items required to match contains schema, but none matched",
            count(*want)
        ),
        ErrorKind::MinContains { got, want } => contains("min", got, *want),
        ErrorKind::MaxContains { got, want } => contains("max", got, *want),
        ErrorKind::UniqueItems { got: [a, b] } => {
            format!("items at {} and {} are equal", count(*a), count(*b))
        }
        ErrorKind::AdditionalItems { got } => {
            format!("last {} additionalItem(s) not allowed", count(*got))
        }
        ErrorKind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quote(got), quote(want))
        }
        ErrorKind::ContentEncoding { want, err } => {
            format!("value is not {} encoded: {err}", quote(want))
        }
        ErrorKind::ContentMediaType { want, err, .. } => {
            format!("value if not of mediatype {}: {err}", quote(want))
        }
        ErrorKind::Minimum { got, want } => range("minimum", got, want),
        ErrorKind::Maximum { got, want } => range("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => range("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => range("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => range("multipleOf", got, want),
        ErrorKind::Not => "'not' failed".to_owned(),
        ErrorKind::AllOf => "'allOf' failed".to_owned(),
        ErrorKind::AnyOf => "'anyOf' failed".to_owned(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".to_owned(),
        ErrorKind::OneOf(Some((a, b))) => {
            format!(
                "'oneOf' failed, subschemas {}, {} matched",
                count(*a),
                count(*b)
            )
        }
    }
}

fn enumeration(want: &[Value]) -> String {
    if want.iter().any(|want| want.is_array() || want.is_object()) {
        return "'enum' failed".to_owned();
    }
    let shown: Vec<String> = want.iter().map(display).collect();
    match shown.as_slice() {
        [only] => format!("value must be {only}"),
        several => format!("value must be one of {}", several.join(", ")),
    }
}

fn bound(keyword: &str, got: usize, want: usize) -> String {
    format!("{keyword}: got {}, want {}", count(got), count(want))
}

fn range(keyword: &str, got: &Number, want: &Number) -> String {
    format!("{keyword}: got {}, want {}", number(got), number(want))
}

fn contains(which: &str, got: &[usize], want: usize) -> String {
    let places: Vec<String> = got.iter().map(ToString::to_string).collect();
    format!(
        "{which} {} items required to match contains schema, but matched {} items at {}",
        count(want),
        count(got.len()),
        places.join(" ")
    )
}

/// Lists texts in quotes.
fn list<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> String {
    texts
        .map(|text| quote(text.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Quotes with single quotes.
fn quote(text: &str) -> String {
    let quoted = go::quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    format!("'{inner}'")
}

fn display(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(f)) => fjord_yaml::format_g(f),
            _ => number.to_string(),
        },
    }
}

fn count(n: usize) -> String {
    grouped(&n.to_string())
}

/// Prints a number as Go's English printer: thousands grouped, powers of ten written out.
fn number(number: &Number) -> String {
    let text = fjord_yaml::format_g(number.as_f64().unwrap_or_default());
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return grouped(&text);
    };
    let raised: String = exponent
        .chars()
        .filter_map(|c| match c {
            '-' => Some('⁻'),
            '0'..='9' => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c.to_digit(10)? as usize),
            _ => None,
        })
        .collect();
    format!("{mantissa}×10{raised}")
}

fn grouped(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
